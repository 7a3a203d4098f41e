"""The range of seeds, and how numbers computed from them become seeds that torch accepts."""

MOST_SEED = 2**63 - 2  # seed + 1 is used as well, and both must fit into 64 bits
_TAKEN_BY_TORCH = 2**64


def folded(number: int) -> int:
    """Reduce a number, however large a product it is, to the range of torch's ``manual_seed``."""
    return number % _TAKEN_BY_TORCH
