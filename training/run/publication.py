"""From a trained phi to an initialization: what it reached on unseen classes, its confidence, its card."""

import datetime
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from models.confidence import Confidence
from models.conv4 import Params
from models.initialization import Initialization, save
from training.datasets.class_images import ClassImages
from training.measures.calibration import Fitted, fit_confidence
from training.measures.evaluation import Measured, Protocol, measure
from training.recipe import Recipe, Report
from training.run.checkpoint import Progress

_QUERIES = 5
_REPORT_SEED = 20_000  # apart from the seed of the tasks that chose phi


def publish_run(
    recipe: Recipe,
    phi: Params,
    progress: Progress,
    training: ClassImages,
    validation: ClassImages,
    folder: Path,
) -> Initialization:
    """Measure phi on validation classes, adapted and not, fit its confidence and write it to ``folder``."""
    learner, preprocessing = recipe.build_learner(), recipe.build_preprocessing()
    rows: list[tuple[Report, Fitted, Measured]] = []
    for report in recipe.reports:
        protocol = Protocol(
            report.ways, report.shots, _QUERIES, recipe.report_episodes, _REPORT_SEED, report.within_group
        )
        adapted = measure(learner, phi, preprocessing, validation, protocol, progress=True)
        start = measure(learner, phi, preprocessing, validation, protocol, inner_steps=0, progress=True)
        rows.append((report, Fitted(protocol, adapted), start))
    confidence = fit_confidence([fitted for _, fitted, _ in rows])
    return save(
        folder,
        name=recipe.name,
        learner=learner,
        phi={name: value.cpu() for name, value in phi.items()},
        preprocessing=preprocessing,
        confidence=confidence,
        facts={
            "description": recipe.description,
            "licence": recipe.licence,
            "trained_on": {
                "data": recipe.data.name,
                "classes": len(training.classes),
                "groups": sorted(set(training.groups)),
                "validation_classes": len(validation.classes),
                "validation_groups": sorted(set(validation.groups)),
                "outer_steps": progress.step,
                "best_step": progress.best_step,
                "seconds": round(progress.seconds),
                "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}",
                "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            },
            "recipe": recipe.as_dict(),
            "evaluation": [_row(report, fitted, start, confidence) for report, fitted, start in rows],
        },
    )


def _row(report: Report, fitted: Fitted, start: Measured, confidence: Confidence) -> Mapping[str, Any]:
    protocol, measured = fitted.protocol, fitted.measured
    return {
        "split": report.split,
        "ways": protocol.ways,
        "shots": protocol.shots,
        "within_group": protocol.within_group,
        "queries": protocol.queries,
        "episodes": protocol.episodes,
        "seed": protocol.seed,
        "inductive": True,
        "accuracy": round(measured.accuracy, 5),
        "interval": round(measured.interval, 5),
        "accuracy_not_adapted": round(start.accuracy, 5),
        "interval_not_adapted": round(start.interval, 5),
        "calibration_error": round(measured.calibration_error(confidence), 5),
    }
