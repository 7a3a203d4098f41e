"""Seeds: which there may be, and what torch takes of numbers that are worked out from them."""

MOST_SEED = 2**63 - 2  # the next one is drawn by as well, and both must fit into 64 bits
_TAKEN_BY_TORCH = 2**64


def folded(number: int) -> int:
    """A number as ``manual_seed`` takes it, however large a product it is."""
    return number % _TAKEN_BY_TORCH
