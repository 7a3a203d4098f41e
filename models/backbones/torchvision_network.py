"""torchvision's classification networks without their last layer, as modules that hold no weights of their own.

A ``skeleton`` is the network's module with its parameters on torch's meta device: ``torch.func.functional_call``
lends it a phi for the duration of one call. It does so by writing to the module, so each thread has its own.
"""

import copy
import threading
from functools import cache

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from models.torchvision_operators import declare_missing

_AUXILIARY = ("googlenet", "inception_v3")  # left out: their pass in evaluation mode leaves parameters unused
_CLASSES = 1000  # ImageNet's, for which torchvision builds its networks


def headless(model: str, seed: int) -> nn.Module:
    """Build a network with fresh parameters, without the last layer, which classifies into ImageNet's classes.

    Args:
        model: torchvision's name of it, for example ``resnet18``.
        seed: of the parameters, which torchvision draws.

    Raises:
        ValueError: for a name that is not one of torchvision's classification networks, or is left out here.
    """
    declare_missing()
    from torchvision import models  # slow to import, and only these backbones need it

    names = [name for name in models.list_models(module=models) if name not in _AUXILIARY]
    if model not in names:
        raise ValueError(
            f"torchvision has no classification network {model!r} for this; it has {', '.join(names)}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network: nn.Module = models.get_model(model, weights=None)
    last = [name for name, part in network.named_modules() if _gives_classes(part)][-1]
    parent, _, child = last.rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    return network.eval()


class _OfThread(threading.local):
    """The skeletons of one thread."""

    def __init__(self) -> None:
        self.by_model: dict[str, nn.Module] = {}


_of_thread = _OfThread()


def skeleton(model: str) -> nn.Module:
    """This thread's module of the network, for ``functional_call`` with all its parameters and moments."""
    found = _of_thread.by_model.get(model)
    if found is None:
        found = _of_thread.by_model[model] = copy.deepcopy(_first_skeleton(model))
    return found


@cache
def _first_skeleton(model: str) -> nn.Module:
    network = headless(model, seed=0)
    for part in network.modules():
        for name, value in part.named_parameters(recurse=False):
            setattr(part, name, nn.Parameter(value.to("meta")))
    for norm in batch_norms(network).values():
        norm.num_batches_tracked = None
        norm.momentum = 1.0  # so that it writes the moments of the batch, not an average over batches
    return network


def batch_norms(network: nn.Module) -> dict[str, nn.BatchNorm2d]:
    """The batch normalisations by name."""
    return {name: part for name, part in network.named_modules() if isinstance(part, nn.BatchNorm2d)}


@cache
def size_of(model: str, side: int) -> tuple[int, int]:
    """Count a network's features, and its floating-point operations for one image (a multiply-add is two).

    Raises:
        ValueError: for an unknown network, or one that cannot take images of this side.
    """
    network = skeleton(model)
    lent: dict[str, Tensor] = dict(network.named_parameters())
    for name, norm in batch_norms(network).items():
        for kind in ("running_mean", "running_var"):
            lent[f"{name}.{kind}"] = torch.empty(norm.num_features, device="meta")
    image = torch.empty(1, 3, side, side, device="meta")
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            features = functional_call(network, lent, (image,))
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"{model} can't take images of {side} x {side} pixels: {error}") from error
    return features.shape[-1], counter.get_total_flops()


def _gives_classes(part: nn.Module) -> bool:
    if isinstance(part, nn.Linear):
        return part.out_features == _CLASSES
    return isinstance(part, nn.Conv2d) and part.out_channels == _CLASSES
