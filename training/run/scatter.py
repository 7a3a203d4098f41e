"""Measures for the head, once the warm-up has made features, how images of one training class scatter."""

import itertools

import torch

from models import class_scatter
from models.backbone import Params
from models.images.preprocessing import Preprocessing
from models.learner import BODY, HEAD, Learner, part
from training.datasets.class_images import ClassImages

_MOST = 10_000  # images: half a minute of a small residual network on two cores
_AT_ONCE = 250


def measure_scatter(learner: Learner, phi: Params, preprocessing: Preprocessing, training: ClassImages) -> None:
    """Write the scatter of training classes into phi, where the head is of kind ``lda``."""
    if learner.head.kind != "lda":
        return
    device, body = next(iter(phi.values())).device, part(phi, BODY)
    places = _places(training)
    with torch.no_grad():
        images = (preprocessing.normalise(training.images[chunk]).to(device) for chunk in places.split(_AT_ONCE))
        features = torch.cat([learner.backbone(body, chunk[None])[0][0] for chunk in images])
        classes = torch.bucketize(places, training.offsets, right=True).to(device)
        for name, value in class_scatter.of_classes(features, classes).items():
            phi[HEAD + name].copy_(value)


def _places(training: ClassImages) -> torch.Tensor:
    """Which images to take: as many of each class, and of all classes unless there are too many."""
    each = max(2, _MOST // len(training))
    stride = -(-len(training) * each // _MOST)
    taken = []
    offsets = training.offsets.tolist()
    for first, end in list(itertools.pairwise(offsets))[::stride]:
        taken.append(torch.arange(first, end, max(1, (end - first) // each))[:each])
    return torch.cat(taken)
