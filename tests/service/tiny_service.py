"""The real application on a tiny, untrained initialization: what is tested must not depend on accuracy."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.testclient import TestClient

from models.confidence import KEPT, Confidence
from models.initialization import Initialization, save
from models.inner_rule import Moves
from models.task_size import BySize
from service.app import create_app
from service.settings import Settings
from service.store.job_store import UNFINISHED
from tests.made_confidence import constant_confidence
from tests.service.server_process import PATIENCE, free_port
from tests.service.tiny_learners import OF_DRAWINGS, OF_PHOTOS, like_photos, measured, moving

TINY = "tiny"
LIKE_PHOTOS = "tiny-like-photos"


def save_tiny(
    folder: Path,
    *,
    name: str = TINY,
    seed: int = 0,
    moves: Moves = "all",
    confidence: Confidence | None = None,
) -> Initialization:
    """Write an initialization of 8 channels that moves the whole network, or the head alone, by two steps."""
    learner = moving(moves)
    return save(
        folder,
        name=name,
        learner=learner,
        phi=learner.initial(seed),
        preprocessing=OF_DRAWINGS,
        confidence=confidence or constant_confidence(),
        facts={"description": "untrained, for tests"},
    )


def save_like_photos(folder: Path) -> Initialization:
    """Write an initialization of the kind that ships as ``photos``; it flags some of the tests' images."""
    learner = like_photos()
    return save(
        folder,
        name=LIKE_PHOTOS,
        learner=learner,
        phi=measured(learner, seed=0),
        preprocessing=OF_PHOTOS,
        confidence=replace(constant_confidence(), familiar=(BySize(1.14, ways=1.28),) * len(KEPT)),
        facts={"description": "untrained, for tests"},
    )


@contextmanager
def serving(data_dir: Path, **limits: Any) -> Iterator[TestClient]:
    """Run the application on ``data_dir``, in which the tiny initialization that moves is put."""
    save_tiny(data_dir / "initializations" / TINY)
    with TestClient(create_app(Settings(data_dir=data_dir, **limits))) as client:
        yield client


@contextmanager
def at_an_address(data_dir: Path, **limits: Any) -> Iterator[str]:
    """Run the application as ``serving`` does, but for clients that take an address, which is given."""
    save_tiny(data_dir / "initializations" / TINY)
    port = free_port()
    app = create_app(Settings(data_dir=data_dir, **limits))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + PATIENCE
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server takes too long to start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
    assert not thread.is_alive(), "the server did not stop"


def until(condition: Callable[[], bool]) -> None:
    """Wait until something comes true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")


def ended(client: httpx.Client, job: str) -> dict[str, Any]:
    """Wait until a job has come to its end, whichever, and give what the service says of it."""
    return progressed(client, job, None)


def progressed(client: httpx.Client, job: str, images: int | None) -> dict[str, Any]:
    """Wait until a job has rows of so many images, or has ended, and give what the service says of it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        state: dict[str, Any] = client.get(f"/v1/jobs/{job}").json()
        if state["status"] not in UNFINISHED or (images is not None and state["done"] >= images):
            return state
        time.sleep(0.01)
    raise AssertionError(f"the job does not get on: {state}")
