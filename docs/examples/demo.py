"""One whole run on real drawings: start the service, teach it six letters, ask it, score a batch, stop.

Run it as ``make demo``.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parent
sys.path.insert(0, str(ROOT))  # so that it runs as a script from anywhere

from service.client import Client  # noqa: E402
from service.commands.estimates import expectation, probability  # noqa: E402

_START_S = 90.0


def main() -> int:
    """Run the demo; exit status 1 if the service is right about fewer than nine in ten drawings."""
    support = [(path.parent.name, path) for path in sorted(EXAMPLES.glob("support/*/*.png"))]
    queries = sorted(EXAMPLES.glob("query/*/*.png"))
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)) as client:
        start = time.perf_counter()
        task = client.create_task(support, name="six Greek letters")
        seconds = time.perf_counter() - start
        print(f"\ntaught {len(task['classes'])} classes from {len(support)} drawings in {seconds:.2f} s;")
        print(f"{expectation(task['estimate'])}\n")
        answers = client.classify(task["id"], queries)
        right = print_answers(queries, answers)
        print(f"\n{right} of {len(queries)} right\n")
        score_a_batch(client, task["id"], queries, Path(folder))
        client.delete_task(task["id"])
    return 0 if right >= 0.9 * len(queries) else 1


def print_answers(queries: list[Path], answers: list[dict[str, Any]]) -> int:
    """Print a table, and count the right ones: a drawing's folder is its true class."""
    print(f"{'drawing':<14}{'is':<10}{'answer':<10}{'probability':>11}   most like")
    right = 0
    for path, answer in zip(queries, answers, strict=True):
        truth = path.parent.name
        right += answer["label"] == truth
        mark = "" if answer["label"] == truth else "   wrong"
        nearest, share = answer["nearest"][0]["filename"], probability(answer["probability"])
        print(f"{path.name:<14}{truth:<10}{answer['label']:<10}{share:>11}   {nearest}{mark}")
    return right


def score_a_batch(client: Client, task_id: str, images: list[Path], folder: Path) -> None:
    """Score the same drawings as a batch job, from a zip to a file of JSON lines."""
    archive, results = folder / "batch.zip", folder / "results.jsonl"
    with zipfile.ZipFile(archive, "w") as file:
        for path in images:
            file.write(path, f"{path.parent.name}/{path.name}")
    start = time.perf_counter()
    job_id = client.start_job(task_id, archive)["id"]
    for job in client.follow_job(job_id):
        print(f"batch job {job['status']}: {job['done']} of {job['total']} images")
    client.save_results(job_id, results, "jsonl")
    seconds = time.perf_counter() - start
    counts = Counter(json.loads(line)["label"] for line in results.read_text().splitlines())
    print(f"scored in {seconds:.2f} s:", ", ".join(f"{count} {label}" for label, count in counts.items()))


@contextmanager
def running_service(data_dir: Path) -> Iterator[Client]:
    """Run the service on a free port of this machine, and stop it in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print(f"starting the service on http://127.0.0.1:{port}", flush=True)
    with (data_dir / "service.log").open("wb") as log:
        command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--data-dir", str(data_dir)]
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=os.environ)
        try:
            with Client(f"http://127.0.0.1:{port}") as client:
                end = time.monotonic() + _START_S
                while not client.is_ready():
                    if server.poll() is not None or time.monotonic() > end:
                        print((data_dir / "service.log").read_text(errors="replace"), file=sys.stderr)
                        raise SystemExit("the service did not start; its log is above")
                    time.sleep(0.2)
                yield client
        finally:
            server.terminate()
            server.wait(timeout=30)
            print("service stopped")


if __name__ == "__main__":
    sys.exit(main())
