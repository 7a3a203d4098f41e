"""What commands say about a classifier's estimate of itself."""

from collections.abc import Mapping


def percent(share: float) -> str:
    """A percentage of a share in 0..1 that never rounds doubt away, as the page's."""
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def expectation(estimate: Mapping[str, float]) -> str:
    """Say how many answers should be right, by an estimate's ``accuracy``, ``low`` and ``high``."""
    accuracy, low, high = (percent(estimate[one]) for one in ("accuracy", "low", "high"))
    about = "more than 99%" if accuracy == ">99%" else f"about {accuracy}"
    return f"{about} of answers should be right ({low} to {high})"
