"""Lets torchvision be imported beside a torch build that cannot load its compiled operators.

torchvision registers shape functions for ``nms`` and its quantised twin while it is imported. Where its
compiled library does not load (a CPU build of torch beside PyPI's torchvision), those operators have no
schema and the import fails. Declaring the two schemas first is enough for its models, datasets and
transforms; calling the operators themselves still fails, and nothing here does.
"""

import importlib.util
from pathlib import Path

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []


def declare_missing() -> None:
    """Declare the operators that torchvision's import needs, only where they are missing."""
    if _declared or _compiled_operators_load():
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _declared.append(library)  # the declaration lives as long as this object


def _compiled_operators_load() -> bool:
    if hasattr(torch.ops.torchvision, "nms"):
        return True
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True  # nothing to repair
    for library in Path(spec.origin).parent.glob("_C.*"):
        try:
            torch.ops.load_library(str(library))
        except OSError:
            return False
    return hasattr(torch.ops.torchvision, "nms")
