"""Shared by the tests of the service."""

from collections.abc import Iterator

import pytest

from service import registry


@pytest.fixture(scope="session", autouse=True)
def only_what_tests_offer() -> Iterator[None]:
    """Let ``auto`` mean the tests' own initialization, whatever ships, or is published on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "shipped", dict)
        patch.setattr(registry, "published", list)
        yield
