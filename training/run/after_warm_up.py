"""Measures, after the warm-up, the mean of the training images' features and their scatter within classes."""

import itertools
from collections.abc import Callable

import torch

from models import class_scatter
from models.backbones.at_rest import at_rest
from models.backbones.backbone import Params
from models.backbones.staged import CENTRE, Staged
from models.images.preprocessing import Preprocessing
from models.learner import BODY, HEAD, Learner, part
from training.datasets.class_images import ClassImages
from training.progress import bar

# What is measured here, and has to be measured anew when phi is used by another learner.
MEASURED = frozenset(
    {
        f"{BODY}{CENTRE}",
        f"{HEAD}{class_scatter.DIRECTIONS}",
        f"{HEAD}{class_scatter.SPREAD}",
        f"{HEAD}{class_scatter.STRANGERS}",
    }
)
_MOST = 10_000  # images: half a minute for a small residual network on two cores
_AT_ONCE = 250


def measure_features(
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    training: ClassImages,
    *,
    stop: Callable[[], bool] = lambda: False,
    quiet: bool = False,
) -> bool:
    """Write into phi the centre of the features, if ``centred``, and their scatter, if the head is ``lda``.

    Args:
        learner: the composition.
        phi: its parameters, which are written to.
        preprocessing: of the images.
        training: classes whose images are measured, about 10,000 images at most.
        stop: asked before each batch of images whether to give up.
        quiet: whether to hide the progress bar.

    Returns:
        False if ``stop`` ended it, leaving the centre 0; otherwise True, even if there is nothing to measure.
    """
    device, body, backbone = next(iter(phi.values())).device, part(phi, BODY), learner.backbone
    scatters = learner.head.kind == "lda"
    centred = backbone if isinstance(backbone, Staged) and backbone.centred else None
    if not scatters and centred is None:
        return True
    places = _places(training)
    with torch.no_grad():
        if centred is not None:
            body[CENTRE].zero_()
        embed, parts = at_rest(backbone, body), []
        with bar(len(places), "training images", "image", shown=not quiet, leave=False) as shown:
            for chunk in places.split(_AT_ONCE):
                if stop():
                    return False
                parts.append(embed(preprocessing.normalise(training.images[chunk]).to(device)))
                shown.update(len(chunk))
        features = torch.cat(parts)
        if centred is not None:
            body[CENTRE].copy_(features.double().mean(0))
            features = centred.away_from(body[CENTRE], features)
        if not scatters:
            return True
        classes = torch.bucketize(places, training.offsets, right=True).to(device)
        for name, value in class_scatter.of_classes(features, classes).items():
            phi[HEAD + name].copy_(value)
    return True


def _places(training: ClassImages) -> torch.Tensor:
    """Places of the images to take: equally many of each class, and of every class unless there are too many."""
    each = max(2, _MOST // len(training))
    stride = -(-len(training) * each // _MOST)
    taken = []
    offsets = training.offsets.tolist()
    for first, end in list(itertools.pairwise(offsets))[::stride]:
        taken.append(torch.arange(first, end, max(1, (end - first) // each))[:each])
    return torch.cat(taken)
