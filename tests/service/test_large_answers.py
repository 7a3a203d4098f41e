"""Large answers are rendered while the event loop serves others, and look as small ones do."""

import asyncio
import json
import threading
from typing import Any

import pytest

from service.routes import classify


class Fitted:
    """As much of a classifier as an answer shows."""

    model = "tiny"
    labels = tuple(f"class {number}" for number in range(10))

    @staticmethod
    def estimated() -> dict[str, float]:
        return {"accuracy": 0.9, "low": 0.8, "high": 0.95}


def answers(count: int) -> list[dict[str, Any]]:
    return [{"filename": f"ü{number}.png", "probabilities": {"a": 0.25, "b": 0.75}} for number in range(count)]


@pytest.mark.parametrize(("count", "beside"), [(1, False), (100, False), (101, True)])
def test_who_renders(monkeypatch: pytest.MonkeyPatch, count: int, beside: bool) -> None:
    render, threads = classify._rendered, []

    def noted(*given: Any) -> Any:
        threads.append(threading.current_thread())
        return render(*given)

    monkeypatch.setattr(classify, "_rendered", noted)
    answer = asyncio.run(classify.predictions(Fitted, answers(count)))  # type: ignore[arg-type]
    assert (threads[0] is not threading.current_thread()) == beside
    assert answer.headers["content-type"] == "application/json"
    expected = {"model": "tiny", "estimate": Fitted.estimated(), "predictions": answers(count)}
    assert answer.body.decode() == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))
