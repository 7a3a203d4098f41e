"""Lake's one-shot classification runs: 20 within-alphabet tasks of 20 ways (Lake et al. 2015, figure 6A)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from models.initialization import Initialization
from models.support import Support
from training.datasets.class_images import DataError
from training.datasets.image_files import open_image

RUNS = 20
_WAYS = 20
_LABELS = "class_labels.txt"


@dataclass(frozen=True)
class RunsResult:
    """Errors on the runs.

    Attributes:
        errors: of each run, in percent.
    """

    errors: tuple[float, ...]

    @property
    def error(self) -> float:
        """Mean over runs, in percent: the benchmark's figure."""
        return sum(self.errors) / len(self.errors)


def evaluate_runs(initialization: Initialization, data_dir: Path, inner_steps: int | None = None) -> RunsResult:
    """Answer the runs, each test image independently of the others.

    Args:
        initialization: the one to adapt.
        data_dir: the folder with ``run01`` to ``run20`` from the public ``all_runs.zip``, or one that contains it
            as ``all_runs`` or ``omniglot/all_runs``.
        inner_steps: None for the learner's own number; 0 not to adapt.

    Raises:
        DataError: if a run or an image is missing, or a run's labels are not those of its 20 classes.
    """
    root = _root(data_dir)
    answers = [_answers(root / f"run{run:02d}" / _LABELS) for run in range(1, RUNS + 1)]
    return RunsResult(tuple(_error(initialization, root, of_run, inner_steps) for of_run in answers))


def _root(data_dir: Path) -> Path:
    for candidate in (data_dir, data_dir / "all_runs", data_dir / "omniglot" / "all_runs"):
        if (candidate / "run01" / _LABELS).is_file():
            return candidate
    raise DataError(
        f"no one-shot runs under {data_dir}: unpack all_runs.zip of the Omniglot repository there, "
        f"so that {data_dir / 'all_runs' / 'run01' / _LABELS} exists"
    )


def _answers(labels: Path) -> dict[str, str]:
    """Map each test image to the training image of its class; both are paths below the folder of the runs."""
    try:
        lines = labels.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{labels} cannot be read ({error}); unpack all_runs.zip again") from error
    pairs = [line.split() for line in lines if line.strip()]
    tests, classes = ({pair[place] for pair in pairs if len(pair) == 2} for place in (0, 1))
    if not len(pairs) == len(tests) == len(classes) == _WAYS:
        raise DataError(
            f"{labels} must have {_WAYS} lines, each of another test image and the training image of its class; "
            "unpack all_runs.zip again"
        )
    return dict(pairs)


def _error(
    initialization: Initialization, root: Path, answers: Mapping[str, str], inner_steps: int | None
) -> float:
    classes = sorted(answers.values())
    support = Support.of_task(
        torch.stack([_image(initialization, root / path) for path in classes]), torch.arange(len(classes))
    )
    queries = torch.stack([_image(initialization, root / path) for path in answers])
    with torch.no_grad():
        theta = initialization.learner.adapt(initialization.phi, support, steps=inner_steps)
        predicted = initialization.learner.predict(theta, queries[None])[0].argmax(-1)
    wrong = [classes[int(index)] != path for index, path in zip(predicted, answers.values(), strict=True)]
    return 100 * sum(wrong) / len(wrong)


def _image(initialization: Initialization, path: Path) -> torch.Tensor:
    return initialization.preprocessing(open_image(path))
