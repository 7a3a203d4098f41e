"""Lake's one-shot classification runs: 20 within-alphabet tasks of 20 ways (Lake et al. 2015, figure 5)."""

from dataclasses import dataclass
from pathlib import Path

import torch

from models.initialization import Initialization
from models.support import Support
from training.datasets.class_images import DataError
from training.datasets.image_files import open_image

RUNS = 20
_LABELS = "class_labels.txt"


@dataclass(frozen=True)
class RunsResult:
    """Errors of the runs.

    Attributes:
        errors: percent, of each run.
    """

    errors: tuple[float, ...]

    @property
    def error(self) -> float:
        """Mean over runs, in percent: the benchmark's figure."""
        return sum(self.errors) / len(self.errors)


def evaluate_runs(initialization: Initialization, data_dir: Path) -> RunsResult:
    """Answer the runs, each test image on its own.

    Args:
        initialization: to adapt.
        data_dir: the folder with ``run01`` to ``run20`` as the public ``all_runs.zip`` unpacks, or one
            that has it as ``all_runs`` or ``omniglot/all_runs``.

    Raises:
        DataError: where a run or an image is missing.
    """
    root = _root(data_dir)
    return RunsResult(tuple(_error(initialization, root, f"run{run:02d}") for run in range(1, RUNS + 1)))


def _root(data_dir: Path) -> Path:
    for candidate in (data_dir, data_dir / "all_runs", data_dir / "omniglot" / "all_runs"):
        if (candidate / "run01" / _LABELS).is_file():
            return candidate
    raise DataError(
        f"no one-shot runs under {data_dir}: unpack all_runs.zip of the Omniglot repository there, "
        f"so that {data_dir / 'all_runs' / 'run01' / _LABELS} exists"
    )


def _error(initialization: Initialization, root: Path, run: str) -> float:
    try:
        lines = (root / run / _LABELS).read_text("utf-8").split("\n")
    except OSError as error:
        raise DataError(f"{root / run / _LABELS} cannot be read ({error}); unpack all_runs.zip again") from error
    pairs = [line.split() for line in lines if line.strip()]
    answers: dict[str, str] = dict(pairs)
    classes = sorted(set(answers.values()))
    support = Support.of_task(
        torch.stack([_image(initialization, root / path) for path in classes]), torch.arange(len(classes))
    )
    queries = torch.stack([_image(initialization, root / path) for path in answers])
    with torch.no_grad():
        theta = initialization.learner.adapt(initialization.phi, support)
        predicted = initialization.learner.predict(theta, queries[None])[0].argmax(-1)
    wrong = [classes[int(index)] != path for index, path in zip(predicted, answers.values(), strict=True)]
    return 100 * sum(wrong) / len(wrong)


def _image(initialization: Initialization, path: Path) -> torch.Tensor:
    return initialization.preprocessing(open_image(path))
