"""What reports and documents say, in English and Chinese; numbers come from the results."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent


@cache
def wording(language: str) -> dict[str, Any]:
    """Sentences and headings in English (``en``) or Chinese (``zh``)."""
    said: dict[str, Any] = yaml.safe_load((_FOLDER / f"{language}.yaml").read_text("utf-8"))
    return said
