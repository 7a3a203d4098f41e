"""The real application on a tiny, untrained initialization: what is tested must not depend on accuracy."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from models.backbones.conv4 import Conv4
from models.confidence import Confidence
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.initialization import Initialization, save
from models.inner_rule import InnerRule, Moves
from models.learner import Learner
from service.app import create_app
from service.settings import Settings
from tests.made_confidence import constant_confidence
from tests.service.server_process import free_port

TINY = "tiny"


def save_tiny(
    folder: Path,
    *,
    name: str = TINY,
    seed: int = 0,
    moves: Moves = "all",
    confidence: Confidence | None = None,
) -> Initialization:
    """Write an initialization of 8 channels that moves the whole network, or the head alone, by two steps."""
    learner = Learner(Conv4(width=8), Head("prototype"), InnerRule(moves, 2))
    return save(
        folder,
        name=name,
        learner=learner,
        phi=learner.initial(seed),
        preprocessing=Preprocessing("drawing", 28, 1, margin=0.1),
        confidence=confidence or constant_confidence(),
        facts={"description": "untrained, for tests"},
    )


@contextmanager
def serving(data_dir: Path, **limits: Any) -> Iterator[TestClient]:
    """Run the application on ``data_dir``, in which the tiny initialization is put."""
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
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
