"""A card's evaluation as a table for a terminal."""

from typing import Any

from training.measures.measured import Protocol

_EASY = 0.999  # accuracy from which too few answers are wrong to tell what makes others wrong


def card_table(card: dict[str, Any]) -> str:
    """Format each row of a card's evaluation as a line, below a line of titles; all in percent but AUROC.

    The columns: accuracy with adaptation and without, calibration error, share of queries of other classes that
    were flagged unknown and the AUROC of telling them from known ones, and share of the tasks whose measured
    accuracy lies in its estimated interval. Below these are tasks whose classes cannot all be told apart, and a
    caution if the others were all too easy.
    """
    titles = (
        f"{'adapted':>16}{'not adapted':>16}{'calibration error':>20}{'flagged':>10}{'AUROC':>8}{'covered':>10}"
    )
    lines = [f"{'unseen classes':<46}{titles}"]
    for row in card["evaluation"]:
        asked = ("ways", "shots", "queries", "episodes", "seed", "within_group", "same_drawers")
        task = Protocol(**{name: row[name] for name in asked if name in row}).describe()
        adapted = f"{100 * row['accuracy']:.2f} ± {100 * row['interval']:.2f}"
        start = f"{100 * row['accuracy_not_adapted']:.2f} ± {100 * row['interval_not_adapted']:.2f}"
        unknown, estimate = row["unknown"], row["estimate"]
        told = f"{100 * unknown['flagged']:>9.1f}%{unknown['auroc']:>8.4f}" if unknown else f"{'-':>10}{'-':>8}"
        figures = f"{100 * row['calibration_error']:>19.2f}%{told}{100 * estimate['coverage']:>9.1f}%"
        lines.append(f"{task:<46}{adapted:>16}{start:>16}{figures}")
    lines += map(_alike_line, card.get("alike", []))
    if card["evaluation"] and all(row["accuracy"] >= _EASY for row in card["evaluation"]):
        lines.append(
            "caution: hardly an answer was wrong, so probabilities, and above all estimates, are too sure of\n"
            "harder classes; to mend that, bring more classes, and such as are hard to tell apart"
        )
    return "\n".join(lines)


def _alike_line(row: dict[str, Any]) -> str:
    """What a card tells of the estimates of tasks whose classes, or some of them, are one and the same."""
    estimate, which = row["estimate"], f"{row['one_and_the_same']} classes one and the same"
    task = f"{row['ways']}-way {row['shots']}-shot, {which}"
    off = f"estimate off by {100 * estimate['error']:.1f} points, covered {100 * estimate['coverage']:.1f}%"
    return f"{task:<46}{100 * row['accuracy']:>9.2f}% right, {off}"
