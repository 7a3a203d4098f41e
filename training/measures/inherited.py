"""Confidence taken over from the initialization that phi continued from, where there is too little to fit it on.

Where hardly an answer is wrong, nothing shows what makes answers wrong. A fit on such classes would be far too
sure of harder ones, while that of the earlier initialization was made on harder ones and still holds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from models.backbones.backbone import Params
from models.confidence import Confidence
from models.initialization import Initialization
from models.learner import HEAD, Learner
from training.measures.measured import Measured

INHERITED = "inherited"  # a card's key for it, in `calibration`
FEWEST_WRONG = 20  # images, by which a dozen weights can be fitted at all
_SCALE = f"{HEAD}log_scale"


@dataclass(frozen=True)
class Inherited:
    """What may be taken over.

    Attributes:
        confidence: for phi's own logits.
        name: of the initialization that it comes from.
        version: of the same.
    """

    confidence: Confidence
    name: str
    version: str

    @classmethod
    def of(cls, former: Initialization, learner: Learner, phi: Params) -> Self | None:
        """What a learner that continued from ``former`` may take over; None if its features or head are others.

        Temperatures divide logits, so they follow the logits' scale, which phi may have changed.
        """
        if (former.learner.backbone, former.learner.head) != (learner.backbone, learner.head):
            return None
        confidence = former.confidence
        if _SCALE in phi:
            temperature = confidence.log_temperature
            grown = phi[_SCALE].item() - former.phi[_SCALE].item()
            shifted = replace(temperature, constant=temperature.constant + grown)
            confidence = replace(confidence, log_temperature=shifted)
        return cls(confidence, former.name, former.version)

    @property
    def facts(self) -> dict[str, str]:
        """For the card: where the confidence comes from."""
        return {"name": self.name, "version": self.version}


def too_few_wrong(fitted: Sequence[Measured], images: int) -> bool:
    """Whether fewer than ``FEWEST_WRONG`` of so many images were answered wrong in the tasks of a fit.

    Tasks ask about the same images again and again, so what counts is the share of wrong answers, in images.
    """
    wrong = math.fsum(1 - entry.accuracy for entry in fitted) / len(fitted)
    return wrong * images < FEWEST_WRONG
