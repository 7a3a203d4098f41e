"""Publishes a trained phi as an initialization: its accuracy on unseen classes, its confidence, its card."""

import datetime
from pathlib import Path
from typing import Any

from models.backbones.backbone import Params
from models.initialization import Initialization, save
from training.datasets.class_images import ClassImages
from training.measures.assessment import assess
from training.measures.inherited import Inherited
from training.outer.precision import told_precision
from training.recipe import Recipe
from training.run.checkpoint import Progress
from training.run.machine import described
from training.run.pretrained import Pretrained
from training.run.seen_classes import facts_of_training_classes


def publish_run(
    recipe: Recipe,
    phi: Params,
    progress: Progress,
    training: ClassImages,
    validation: ClassImages,
    folder: Path,
    pretrained: Pretrained | None = None,
    teacher: dict[str, Any] | None = None,
) -> Initialization:
    """Fit confidence on validation classes, measure phi with and without adapting, and write it to ``folder``.

    The card also records the ``pretrained`` weights that training started from and the ``teacher`` whose features
    it learned from, if any (both as facts for the card).
    """
    learner, preprocessing = recipe.build_learner(), recipe.build_preprocessing()
    device = next(iter(phi.values())).device
    former = pretrained.former if pretrained else None
    found = assess(
        learner,
        phi,
        preprocessing,
        validation,
        recipe.reports,
        recipe.report_episodes,
        recipe.calibration_tasks,
        Inherited.of(former, learner, phi) if former else None,
    )
    return save(
        folder,
        name=recipe.name,
        learner=learner,
        phi={name: value.cpu() for name, value in phi.items()},
        preprocessing=preprocessing,
        confidence=found.confidence,
        facts={
            "description": recipe.description,
            "licence": recipe.licence,
            "trained_on": {
                "data": recipe.data.name,
                "classes": len(training.classes),
                **facts_of_training_classes(recipe.data.name, training),
                "groups": sorted(set(training.groups)),
                "validation_classes": len(validation.classes),
                "validation_groups": sorted(set(validation.groups)),
                "outer_steps": progress.step,
                "best_step": progress.best_step,
                "looks": [[step, round(accuracy, 5)] for step, accuracy in progress.looks],
                "seconds": round(progress.preparing + progress.seconds),
                "machine": f"{described(device)}, {told_precision(recipe.outer, device)}",
                "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            },
            **({"pretrained": pretrained.facts} if pretrained else {}),
            **({"teacher": teacher} if teacher else {}),
            "recipe": recipe.as_dict(),
            **found.facts,
        },
    )
