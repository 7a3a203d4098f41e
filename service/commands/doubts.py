"""How commands name the examples whose labels may be wrong."""

import sys
from collections.abc import Sequence

from service.uploads.labels import one_line

_NAMED = 10  # at most; whoever has more has a larger problem than their names


def tell_doubts(doubtful: Sequence[tuple[str, str, str]]) -> None:
    """Name doubtful examples on stderr, given as file name, own label and the label that they resemble most."""
    if not doubtful:
        return
    several = f"{len(doubtful)} of the examples" if len(doubtful) > 1 else "one of the examples"
    print(f"{several} may have a wrong label:", file=sys.stderr)
    for filename, label, resembles in doubtful[:_NAMED]:
        print(f"  {one_line(filename)}, which looks more like {resembles} than {label}", file=sys.stderr)
    if len(doubtful) > _NAMED:
        print(f"  and {len(doubtful) - _NAMED} more", file=sys.stderr)
