"""``python -m service score``: a batch through a running server, into a file."""

import argparse
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from service.client import DEFAULT_SERVER, Client
from service.commands.folders import FolderError, image_files

FORMATS = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("score", help="score many images with a kept task of a running service")
    parser.add_argument("--task", required=True, help="id of the task")
    parser.add_argument(
        "--input", type=Path, required=True, help="a folder of images, a zip of them, or one image"
    )
    parser.add_argument("--output", type=Path, required=True, help="*.jsonl, *.csv or *.parquet")
    parser.add_argument("--server", default=DEFAULT_SERVER, help=f"default: {DEFAULT_SERVER}")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Score, and write the output whole or not at all."""
    kind = FORMATS.get(options.output.suffix.lower())
    if kind is None:
        raise FolderError(f"{options.output} ends in none of {', '.join(FORMATS)}")
    if not options.output.absolute().parent.is_dir():
        raise FolderError(f"{options.output.parent} is no folder")
    with tempfile.TemporaryDirectory() as folder, Client(options.server) as client:
        archive = _archive(options.input, Path(folder) / "images.zip")
        job = client.start_job(options.task, archive)
        job_id = job["id"]
        try:
            with tqdm(total=job["total"], unit="image") as bar:
                for job in client.follow_job(job_id):
                    bar.n = job["done"]
                    bar.refresh()
        except KeyboardInterrupt:
            client.end_job(job_id)
            raise
        client.save_results(job_id, options.output, kind)
        client.end_job(job_id)
    print(f"{job['total']} images scored, {job['errors']} of them unreadable: {options.output}")


def _archive(given: Path, target: Path) -> Path:
    if given.is_file() and zipfile.is_zipfile(given):
        return given
    if not given.exists():
        raise FolderError(f"{given} does not exist")
    root = given if given.is_dir() else given.parent
    files = image_files(given) if given.is_dir() else [given]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # images are compressed already
        for path in files:
            archive.write(path, path.relative_to(root).as_posix())
    return target
