"""Shared by the tests of the service."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from numpy.linalg import LinAlgError
from PIL import Image
from starlette.testclient import TestClient
from torch import Tensor

from models.images.preprocessing import Preprocessing
from service import registry
from service.store.database import Database
from tests.service.tiny_service import at_an_address, serving

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@pytest.fixture(scope="session", autouse=True)
def only_what_tests_offer() -> Iterator[None]:
    """Let ``auto`` mean the tests' own initialization, whatever ships, or is published on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "shipped", dict)
        patch.setattr(registry, "published", list)
        yield


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service, for all tests of a module."""
    with serving(tmp_path_factory.mktemp("var")) as client:
        yield client


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service's address, for all tests of a module."""
    with at_an_address(tmp_path_factory.mktemp("var")) as address:
        yield address


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service in a process of its own, for all tests that look at its page."""
    from tests.service.page_in_browser import served

    with served(tmp_path_factory.mktemp("service")) as address:
        yield address


@pytest.fixture
def browser(tmp_path: Path, origin: str) -> Iterator["Chrome"]:
    """A headless Chromium, and a service that keeps nothing yet.

    Each test has a Chromium of its own: one that is told to close a tab at times does not answer.
    """
    from tests.service.page_in_browser import chromium, emptied

    with emptied(origin), chromium(tmp_path) as driver:
        yield driver


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty store."""
    database = Database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def unforeseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the preprocessing of images 33 pixels wide fail in a way that nobody foresaw."""
    preprocess = Preprocessing.__call__

    def failing(self: Preprocessing, image: Image.Image) -> Tensor:
        if image.width == 33:
            raise LinAlgError("SVD did not converge")
        return preprocess(self, image)

    monkeypatch.setattr(Preprocessing, "__call__", failing)
