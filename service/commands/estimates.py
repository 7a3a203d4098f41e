"""How commands word a classifier's accuracy estimate, and the probability of an answer."""

from collections.abc import Mapping


def percent(share: float) -> str:
    """Give a share in 0..1 as a percentage that never rounds doubt away, like the page's."""
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def probability(value: float) -> str:
    """Give a probability to three digits that never round doubt away: 0.99999 is ``>0.999``."""
    return ">0.999" if 0.9995 <= value < 1 else f"{value:.3f}"


def expectation(estimate: Mapping[str, float]) -> str:
    """Say how many answers should be right, from an estimate's ``accuracy``, ``low`` and ``high``, in 0..1."""
    accuracy, low, high = (percent(estimate[one]) for one in ("accuracy", "low", "high"))
    about = "more than 99%" if accuracy == ">99%" else f"about {accuracy}"
    return f"{about} of answers should be right ({low} to {high})"
