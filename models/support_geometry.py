"""Distances among the examples of support sets: what a task reveals about its difficulty before any query."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from models.support import Support

_DOUBTFUL = 10  # times as probable as an example's own class must another be, for its label to be doubtful


class LeftOutLabels(NamedTuple):
    """How the other examples of a task judge each one's label.

    Attributes:
        own: probability of its own class, ``[T, S]``; NaN if its class has no other example.
        likeliest: number of the most probable class, int64 ``[T, S]``.
        doubtful: whether that is so much more probable than its own that the label may be wrong, bool ``[T, S]``.
    """

    own: Tensor
    likeliest: Tensor
    doubtful: Tensor


@dataclass(frozen=True)
class SupportGeometry:
    """Squared distances within support sets of T tasks.

    Attributes:
        between: from each class mean to each other one, ``[T, N, N]``; infinite where a task lacks either class,
            and from a mean to itself.
        left_out: from each example to each class mean, ``[T, S, N]``, the mean of its own class being taken over
            the other examples; infinite where a task lacks the class, NaN if its class has no other example.
        support: labels and weights of the same examples (its images are not read).
    """

    between: Tensor
    left_out: Tensor
    support: Support

    @classmethod
    def of(cls, features: Tensor, support: Support) -> "SupportGeometry":
        """Measure the features ``[T, S, D]`` of support sets, in double precision."""
        features = features.double()
        membership = support.membership().double()
        counts = membership.sum(1)  # [T, N]
        means = membership.transpose(1, 2) @ features / counts[..., None].clamp_min(1)
        absent = ~support.class_mask()
        between = torch.cdist(means, means).square()
        between = between.masked_fill(absent[:, None] | absent[:, :, None], torch.inf)
        between.diagonal(dim1=1, dim2=2).fill_(torch.inf)
        left_out = torch.cdist(features, means).square().masked_fill(absent[:, None], torch.inf)
        own = support.labels[..., None]
        count = counts.gather(1, support.labels)
        # An example's distance to the mean of the others is n / (n - 1) times that to the mean of all n.
        factor = torch.where(count > 1, count / (count - 1).clamp_min(1), torch.nan).square()[..., None]
        left_out = left_out.scatter(2, own, left_out.gather(2, own) * factor)
        return cls(between, left_out, support)

    def cpu(self) -> "SupportGeometry":
        """A copy in main memory, without the images."""
        images = self.support.images[..., :0].clone()  # a view would hold on to all of them
        labels, weights, ways = self.support.labels.cpu(), self.support.weights.cpu(), self.support.ways.cpu()
        support = Support(images.cpu(), labels, weights, ways)
        return SupportGeometry(self.between.cpu(), self.left_out.cpu(), support)

    @property
    def has_others(self) -> Tensor:
        """Which tasks have at least two examples in every class, so that each can be left out, bool ``[T]``."""
        counts = self.support.membership().sum(1)
        return ((counts > 1) | ~self.support.class_mask()).all(1)

    def crowding(self, sharpness: float) -> Tensor:
        """How many other class means lie near a class mean, on average over a task's classes, ``[T]``.

        Each counts as exp(-sharpness * squared distance): near 0 in total where all lie far apart.
        """
        near = (-sharpness * self.between).exp().sum(2)
        return (near * self.support.class_mask()).sum(1) / self.support.ways

    def left_out_logits(self, sharpness: float) -> Tensor:
        """Logits ``[T, S, N]`` of each example, by the class means of the others (Snell et al. 2017, eq. 2)."""
        return -sharpness * self.left_out

    def left_out_labels(self, sharpness: float) -> LeftOutLabels:
        """Judge each example's label by the class means of the other examples.

        The mean of m examples is itself off by an m-th of their scatter, and that of the example's own class is
        taken over fewer than the others. So distances are divided by 1 + 1 / m, as in a Gaussian's posterior
        predictive distribution under a flat prior (Murphy 2007, section 2): otherwise, with two photos a class, a
        quarter of sound examples would seem to be in the wrong one.
        """
        counts = self.support.membership().double().sum(1)
        others = counts[:, None].expand_as(self.left_out)
        labels = self.support.labels[..., None]
        others = others.scatter(2, labels, others.gather(2, labels) - 1)
        shares = (-sharpness * self.left_out / (1 + 1 / others.clamp_min(1))).softmax(2)
        own, (most, likeliest) = shares.gather(2, labels)[..., 0], shares.max(2)
        return LeftOutLabels(own, likeliest, most >= _DOUBTFUL * own)

    def left_out_error(self, sharpness: float) -> Tensor:
        """Mean probability of a wrong class for left-out examples, ``[T]``; each class has the same weight.

        NaN for tasks in which some class has a single example.
        """
        shares = self.left_out_logits(sharpness).softmax(2)
        own = shares.gather(2, self.support.labels[..., None])[..., 0]
        weights = self.support.balanced_weights()
        return torch.where(weights > 0, (1 - own) * weights, 0).sum(1)
