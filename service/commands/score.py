"""Score a folder or an archive of images with a kept classifier of a running service."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from service.client import DEFAULT_SERVER, Client, ClientError
from service.commands.image_folders import images_below, pack
from service.commands.table import Progress

KINDS = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--task", required=True, metavar="ID", help="the kept classifier")
    parser.add_argument(
        "--input", type=Path, required=True, metavar="DIR_OR_FILE", help="images, or a zip of them"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help=f"named {', '.join(KINDS)}")
    parser.add_argument("--server", default=DEFAULT_SERVER, metavar="URL", help="(default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Send the images as one job, follow it, write its results, remove it from the service."""
    kind = KINDS.get(arguments.output.suffix.lower())
    if kind is None:
        raise ClientError(f"--output {arguments.output} must be named {', '.join(KINDS)}")
    if not arguments.output.absolute().parent.is_dir():
        raise ClientError(f"--output {arguments.output}: there is no folder {arguments.output.absolute().parent}")
    with Client(arguments.server) as client, tempfile.TemporaryDirectory() as folder:
        job = client.start_job(arguments.task, _archive(arguments.input, Path(folder)))
        try:
            job = _follow(client, job)
            client.save_results(job["id"], arguments.output, kind)
        except KeyboardInterrupt:
            client.end_job(job["id"])
            raise
        client.end_job(job["id"])
    print(f"{job['done']} images scored into {arguments.output}, {job['errors']} of them could not be read")


def _archive(place: Path, folder: Path) -> Path:
    if place.suffix.lower() == ".zip" and place.is_file():
        return place
    archive = folder / "images.zip"
    pack(images_below(place), place, archive)
    return archive


def _follow(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    progress = Progress()
    for state in client.follow_job(job["id"]):
        job = state
        progress.show(job["done"], job["total"])
    progress.end()
    if job["status"] != "done":
        reason = f": {job['error']}" if job.get("error") else ""
        raise ClientError(f"job {job['id']} ended as {job['status']}{reason}")
    return job
