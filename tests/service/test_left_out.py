"""Examples as the others of their task classify them: which labels may be wrong."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from starlette.testclient import TestClient
from torch import Tensor

from models.initialization import shipped
from service import registry
from service.__main__ import main
from service.client import Client, ServiceError
from service.computing.fitting import Shot, fit_together
from service.problems import Problem
from tests.service.made_images import drawing, write
from tests.service.test_shipped_together import loaded, task
from tests.service.test_tasks import create, example_id

LETTERS = Path("docs/examples/support")


def by_the_others(one: Shot, given: Sequence[Shot], sharpness: float) -> dict[str, float]:
    """Each class's probability for an example, by the means of all others."""
    classes: dict[str, list[Tensor]] = {}
    for other in given:
        if other is not one:
            classes.setdefault(other.label, []).append(other.input.double())
    distances = [
        (torch.stack(some).mean(0) - one.input).square().sum() / (1 + 1 / len(some)) for some in classes.values()
    ]
    return dict(zip(classes, (-sharpness * torch.stack(distances)).softmax(0).tolist(), strict=True))


@pytest.mark.parametrize("name", ["characters", "photos"])
def test_they_equal_a_plain_loop_in_any_order(name: str) -> None:
    initialization = loaded(name)
    tasks = [task(initialization, seed) for seed in range(4)]
    sharpness = initialization.confidence.expectation.sharpness
    turned = [random.Random(0).sample(given, len(given)) for given in tasks]
    fitted = [fit_together(initialization, some, lambda: None) for some in (tasks, turned)]
    for given, classifier, again in zip(tasks, *fitted, strict=True):
        assert not isinstance(classifier, Problem)
        assert not isinstance(again, Problem)
        assert again.left_out == classifier.left_out
        found = {one.known.filename: one for one in classifier.left_out}
        assert [one.probability for one in found.values()] == sorted(one.probability for one in found.values())
        labels = [one.label for one in given]
        assert found.keys() == {one.filename for one in given if labels.count(one.label) > 1}
        for one in given:
            if told := found.get(one.filename):
                shares = by_the_others(one, given, sharpness)
                assert told.probability == pytest.approx(shares[one.label], rel=1e-6, abs=1e-12)
                assert told.resembles == max(shares, key=lambda label: shares[label])
                assert told.doubtful == (shares[told.resembles] >= 10 * told.probability)


def test_a_service_tells_them_after_each_change(client: TestClient) -> None:
    made = create(client, {1: "a", 2: "a", 3: "b", 4: "c", 5: "c"})
    path = f"/v1/tasks/{made['id']}/left-out"
    first = client.get(path).json()["items"]
    assert {one["id"] for one in first} == {example_id(made, seed) for seed in (1, 2, 4, 5)}, "b has no other"
    assert {(one["label"], one["filename"]) for one in first} == {
        (one["label"], one["filename"]) for one in made["examples"] if one["label"] != "b"
    }
    client.delete(f"/v1/tasks/{made['id']}/examples/{example_id(made, 2)}")
    assert {one["id"] for one in client.get(path).json()["items"]} == {example_id(made, seed) for seed in (4, 5)}
    assert client.get("/v1/tasks/none/left-out").status_code == 404


def with_a_wrong_label(folder: Path) -> Path:
    """The example letters, one alpha among the omegas."""
    for file in LETTERS.glob("*/*.png"):
        label = "omega" if file.name == "0394_01.png" else file.parent.name
        write(folder / label / file.name, file.read_bytes())
    return folder


def test_the_shipped_characters_find_a_wrong_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "shipped", shipped)
    asked = ["classify", "--query=docs/examples/query/pi", "--model=characters"]
    assert main([*asked, f"--support={LETTERS}"]) == 0
    assert "wrong label" not in capsys.readouterr().err
    support = with_a_wrong_label(tmp_path)
    assert main([*asked, f"--support={support}"]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[-2:] == [
        "one of the examples may have a wrong label:",
        f"  {support / 'omega' / '0394_01.png'}, which looks more like alpha than omega",
    ]


def test_answers_are_kept_although_nobody_reads_stderr(tmp_path: Path) -> None:
    support, answers = with_a_wrong_label(tmp_path / "support"), tmp_path / "answers.json"
    asked = ["classify", "--query=docs/examples/query/pi", "--model=characters", f"--support={support}"]
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "service", *asked, f"--json={answers}"]
    try:
        ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=writer, check=False)
    finally:
        os.close(writer)
    assert ended.returncode == 141, "the wrong label was to be told"
    assert len(json.loads(answers.read_text())["predictions"]) == len(
        list(Path("docs/examples/query/pi").iterdir())
    )


def test_teach_tells_after_the_tasks_id(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(24):
        write(tmp_path / "ab"[seed % 2] / f"{seed:02}.png", drawing(seed))
    teach = ["teach", f"--support={tmp_path}", f"--server={address}"]
    with Client(address) as client:

        def doubted(self: Client, task_id: str) -> list[dict[str, object]]:
            items = client.connection.answer("GET", f"/v1/tasks/{task_id}/left-out", holds="items")["items"]
            assert len(items) == 24
            likely = {"resembles": "c", "doubtful": True}
            return [{**one, **likely} for one in sorted(items, key=lambda one: str(one["filename"]))][:count]

        monkeypatch.setattr(Client, "left_out", doubted)
        count = 13
        assert main(teach) == 0
        told = capsys.readouterr()
        assert told.out.splitlines()[-1].startswith("task ")
        lines = told.err.splitlines()
        assert lines[0] == "13 of the examples may have a wrong label:"
        assert lines[1] == "  a/00.png, which looks more like c than a"
        assert lines[-1] == "  and 3 more"
        assert len(lines) == 12
        count = 0
        assert main(teach) == 0
        assert capsys.readouterr().err == ""

    def unknown(self: Client, task_id: str) -> None:
        raise ServiceError("404: an older release")

    monkeypatch.setattr(Client, "left_out", unknown)
    assert main(teach) == 0
