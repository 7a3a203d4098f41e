"""Heads: how a task's classifier is initialised from its support features, for any number of ways.

Each gives a linear classifier over features, so that any head can adapt further by gradient steps:
logit of class c = features . weight_c + bias_c.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from models import class_scatter
from models.backbones.backbone import Params
from models.kernels.precision import full_precision
from models.kernels.row_products import row_products
from models.solvers.ridge import ridge
from models.solvers.support_vectors import support_vectors
from models.support import Support

HeadKind = Literal["prototype", "lda", "shared", "ridge", "svm"]
_COST = 0.1  # of an example's slack, as in Lee et al. 2019, section 4.1
_SCALE = 10.0  # initial scale of the logits of ridge and svm, whose targets lie between 0 and 1


def prototypes(features: Tensor, support: Support) -> Tensor:
    """Mean support feature of each class (Snell et al. 2017, eq. 1).

    Args:
        features: ``[T, S, D]`` of the support images.
        support: labels and weights of the same images.

    Returns:
        ``[T, N, D]``; 0 where a task has no such class.
    """
    with full_precision(features):
        membership = support.membership()
        # A sum in double precision loses nothing of float32 features, so neither the examples' order nor the
        # padding that other tasks of the batch need changes a bit. Meta-training is spared the time.
        exact = membership.to(membership.dtype if torch.is_grad_enabled() else torch.float64)
        means = exact.transpose(1, 2) @ features.to(exact.dtype) / exact.sum(1)[..., None].clamp_min(1e-12)
        return means.to(membership.dtype)


@dataclass(frozen=True)
class Head:
    """How a linear classifier starts.

    Attributes:
        kind: ``prototype`` starts from class means: the logit is the negative squared distance to the class
            mean times a learned scale, up to a term that is the same for all classes (Snell et al. 2017,
            eq. 8; Triantafillou et al. 2020, section 3, for starting gradient steps from it).
            ``lda`` does the same in a metric in which a direction counts less the more images of one class differ
            along it, an effect that is weaker with fewer examples (see ``models.class_scatter``).
            ``shared`` starts every class from one learned vector (Ye and Chao 2022, UNICORN-MAML), so
            that only the inner loop tells classes apart. What all classes share shifts their logits
            alike, so under a softmax that vector has no gradient: it acts as a start from zero (Kao et
            al. 2022, the zeroing trick), and the body moves from the second inner step on.
            ``ridge`` regresses one-hot labels on features, with a learned penalty (Bertinetto et al. 2019,
            R2-D2), and ``svm`` separates classes by the widest margin (Lee et al. 2019, MetaOptNet); both weight
            all classes equally, and their logits are multiplied by a learned scale.
        initial_scale: the learned scale before training, for all kinds but ``shared``; None chooses it for
            features of magnitude about 1: one over the square root of their number for ``prototype`` and ``lda``,
            otherwise 10.
        shrinkage: for ``lda``, a of ``models.class_scatter``: how much the scatter is evened out at one shot.
        shrinkage_by_shots: for ``lda``, whether the shrinkage is divided by the examples of a class. Class means
            that are pulled towards other classes are less uncertain, so one value may suit all numbers of shots.
        pull: for ``lda``, how many examples of a class the similar training classes count for.
        sharpness: for ``lda``, how strongly the pull favours the most similar training classes: the factor of the
            cosines under a softmax.
    """

    kind: HeadKind
    initial_scale: float | None = None
    shrinkage: float = 60.0
    shrinkage_by_shots: bool = True
    pull: float = 0.0
    sharpness: float = 10.0

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown kind or numbers out of range."""
        if self.kind not in get_args(HeadKind):
            raise ValueError(f"the head must be {', '.join(get_args(HeadKind))}, not {self.kind!r}")
        if self.initial_scale is not None and not self.initial_scale > 0:
            raise ValueError(f"the head's initial scale must be positive, not {self.initial_scale}")
        if not self.shrinkage > 0:
            raise ValueError(f"the head's shrinkage must be positive, not {self.shrinkage}")
        if not self.pull >= 0 or (self.pull and self.kind != "lda"):
            raise ValueError(f"the head's pull is of lda, and not negative: set it to 0, not {self.pull}")
        if not 0 < self.sharpness < math.inf:
            raise ValueError(f"the head's sharpness must be positive, not {self.sharpness}")

    def initial(self, features: int, generator: torch.Generator) -> Params:
        """Draw the head's part of phi for ``features`` features.

        Returns:
            ``vector`` ``[D]`` and ``bias`` ``[]`` for ``shared``; else ``log_scale`` ``[]`` with, for ``lda``,
            the scatter (see ``class_scatter.of_classes``) and, for ``ridge``, ``log_penalty`` ``[]``.
        """
        if self.kind == "shared":
            return {"vector": torch.randn(features, generator=generator) / features**0.5, "bias": torch.zeros(())}
        by_means = self.kind in ("prototype", "lda")
        usual = features**-0.5 if by_means else _SCALE
        scale = {"log_scale": torch.tensor(math.log(usual if self.initial_scale is None else self.initial_scale))}
        if self.kind == "lda":
            return scale | class_scatter.even(features)
        return scale | {"log_penalty": torch.zeros(())} if self.kind == "ridge" else scale

    @property
    def needs_features(self) -> bool:
        """Whether the start depends on the support set's features."""
        return self.kind != "shared"

    def start(self, phi: Params, features: Tensor | None, support: Support) -> Params:
        """Build the classifier that adaptation starts from.

        Args:
            phi: the head's part, as ``initial`` names it; each tensor may have a leading task dimension.
            features: ``[T, S, D]`` of the support images; may be None unless ``needs_features``.
            support: labels and weights of the same images.

        Returns:
            ``weight`` ``[T, N, D]`` and ``bias`` ``[T, N]``.

        Raises:
            ValueError: if the start needs features and there are none.
        """
        if self.kind == "shared":
            shape = len(support.ways), support.most_ways
            vector, bias = phi["vector"], phi["bias"]
            return {
                "weight": vector.view(-1, 1, vector.shape[-1]).expand(*shape, -1),
                "bias": bias.view(-1, 1).expand(shape),
            }
        if features is None:
            raise ValueError(f"the head {self.kind} starts from features")
        if self.kind == "prototype":
            return self.from_centres(phi, prototypes(features, support))
        with full_precision(features):
            if self.kind == "lda":
                centres, by_shots = self.centres(phi, features, support), self.shrinkage_by_shots
                measured = class_scatter.measured(phi, centres, support, self.shrinkage, by_shots=by_shots)
                return self._linear(phi, centres, measured)
            features = features.to(support.weights.dtype)
            targets = (support.membership() > 0).to(features.dtype)
            # Scaled to a mean of 1 over a task's examples, so that equal shots give each exactly 1.
            importance = support.balanced_weights() * (support.weights > 0).sum(1, keepdim=True)
            if self.kind == "ridge":
                weight = ridge(features, targets, importance, phi["log_penalty"].exp())
            else:
                weight = support_vectors(features, targets, _COST * importance, support.class_mask())
            weight = phi["log_scale"].exp().view(-1, 1, 1) * weight
        return {"weight": weight, "bias": weight.new_zeros(weight.shape[:2])}

    def centres(self, phi: Params, features: Tensor, support: Support) -> Tensor:
        """Class means ``[T, N, D]`` of support features ``[T, S, D]``, with the head's ``pull`` applied."""
        means = prototypes(features, support)
        if not self.pull:
            return means
        return class_scatter.towards_strangers(phi, means, support, self.pull, self.sharpness)

    def from_centres(self, phi: Params, centres: Tensor) -> Params:
        """Build the ``prototype`` classifier of centres ``[T, N, D]``; phi is of any head with a scale."""
        return self._linear(phi, centres, centres)

    def _linear(self, phi: Params, centres: Tensor, measured: Tensor) -> Params:
        """Build the classifier by distances in a metric, ``measured`` being the centres multiplied by it."""
        scale = phi["log_scale"].exp()
        return {
            "weight": 2 * scale.view(-1, 1, 1) * measured,
            "bias": -scale.view(-1, 1) * (centres * measured).sum(-1),
        }


def classify(head: Params, features: Tensor, class_mask: Tensor, *, alone: bool = False) -> Tensor:
    """Logits ``[T, Q, N]`` of features ``[T, Q, D]``; the lowest finite number for classes that a task lacks.

    With ``alone``, each row's are the same to the last bit whatever the other rows (see ``row_products``).
    """
    weight, bias = head["weight"], head["bias"]
    # A logit is a small difference of large products, which bfloat16 would lose.
    with full_precision(features):
        features = features.to(weight.dtype)
        products = row_products(features, weight) if alone else features @ weight.transpose(1, 2)
        logits = products + bias[:, None]
    return logits.masked_fill(~class_mask[:, None], torch.finfo(logits.dtype).min)


def head_gradient(head: Params, features: Tensor, class_mask: Tensor, labels: Tensor, weights: Tensor) -> Params:
    """Gradient of ``sum_s weights_s * cross-entropy_s`` for the head, in closed form and differentiable.

    With respect to the logits it is the probabilities minus the one-hot labels (Bishop 2006, eq. 4.109).
    Recording an autograd graph and walking it back takes several times as long on matrices this small.

    Args:
        head: ``weight`` ``[T, N, D]`` and ``bias`` ``[T, N]``.
        features: of the examples, ``[T, S, D]``.
        class_mask: which classes each task has, bool ``[T, N]``.
        labels: of the examples, ``[T, S]``.
        weights: of the examples, ``[T, S]``.

    Returns:
        The gradients of ``weight`` and ``bias``, in their shapes.
    """
    with full_precision(features):
        off = classify(head, features, class_mask).softmax(-1)
        off = (off - torch.nn.functional.one_hot(labels, off.shape[-1])) * weights[..., None]
        return {"weight": off.transpose(1, 2) @ features.to(off.dtype), "bias": off.sum(1)}
