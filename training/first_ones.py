"""The first of many, as messages name them."""

from collections.abc import Sequence


def first_ones(texts: Sequence[str], most: int = 5) -> str:
    """Join the first ``most`` texts with commas, and say how many more there are."""
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {rest} more" if rest > 0 else "")
