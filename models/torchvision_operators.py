"""Lets torchvision be imported with a torch build that cannot load its compiled operators.

On import, torchvision registers shape functions for ``nms`` and its quantised twin. If its compiled library
does not load (a CPU build of torch with PyPI's torchvision), those operators have no schema and the import
fails. Declaring the two schemas first is enough for its models, datasets and transforms; calling the operators
themselves would still fail, but nothing in this project calls them.
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
    """Declare the operators that importing torchvision needs, if they are missing."""
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
