"""The card's evaluation as a table for a terminal."""

from typing import Any


def card_table(card: dict[str, Any]) -> str:
    """One line for each row of a card's evaluation: accuracy adapted and not adapted, in percent."""
    lines = [f"{'unseen classes':<34}{'adapted':>16}{'not adapted':>16}{'calibration error':>20}"]
    for row in card["evaluation"]:
        where = " within one group" if row["within_group"] else ""
        task = f"{row['ways']}-way {row['shots']}-shot{where}"
        adapted = f"{100 * row['accuracy']:.2f} ± {100 * row['interval']:.2f}"
        start = f"{100 * row['accuracy_not_adapted']:.2f} ± {100 * row['interval_not_adapted']:.2f}"
        lines.append(f"{task:<34}{adapted:>16}{start:>16}{100 * row['calibration_error']:>19.2f}%")
    return "\n".join(lines)
