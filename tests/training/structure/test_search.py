"""The search: keeps to the budget, goes on after a break to the same result, and writes a recipe that trains."""

import dataclasses
import json
import re
import signal
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
import torch
import yaml

from models.learner import BODY
from tests.training.structure.tiny_space import PLAN, SPACE, plan
from tests.training.tiny_run import TRAINING, VALIDATION
from training.__main__ import main
from training.outer_plan import Outer
from training.recipe import RecipeError
from training.recipe_reading import read_recipe
from training.run.trainer import Trainer
from training.structure.chart import chart
from training.structure.cost import expected_operations, likeliest, to_budget
from training.structure.found import write_found
from training.structure.search import Search
from training.structure.space import AXES, Space, parameter

SVG = "{http://www.w3.org/2000/svg}"


class Interrupted(Search):
    """Gets a Ctrl-C while it does its fourth step."""

    def _step(self, step, batch):
        if step == 3:
            signal.raise_signal(signal.SIGINT)
        return super()._step(step, batch)


def test_the_likeliest_structure_is_the_best_of_those_the_budget_allows():
    space = Space(1, 8, (1, 3), ((4, 8), (4, 8)), (1, 4), (False, True))
    generator = torch.Generator().manual_seed(0)
    probabilities = [
        {axis: torch.randn(2, generator=generator).mul(2).softmax(0) for axis in AXES} for _ in range(2)
    ]
    every = []
    for number in range(2**8):
        digits = [number >> bit & 1 for bit in range(8)]
        chosen = [dict(zip(AXES, digits[:4], strict=True)), dict(zip(AXES, digits[4:], strict=True))]
        likely = 1.0
        for one, choices in zip(chosen, probabilities, strict=True):
            for axis, place in one.items():
                likely *= float(choices[axis][place])
        every.append((likely, space.backbone(chosen).operations, chosen))
    costs = sorted({cost for _, cost, _ in every})
    for budget in (costs[0], costs[len(costs) // 3], costs[-1]):
        best = max((one for one in every if one[1] <= budget), key=lambda one: one[0])
        assert likeliest(space, probabilities, budget) == best[2]
    with pytest.raises(ValueError, match=f"cheapest structure takes {costs[0]} operations"):
        likeliest(space, probabilities, costs[0] - 1)


def test_what_is_found_keeps_to_a_budget_that_the_likeliest_options_exceed():
    logits = {name: torch.arange(float(len(value))) for name, value in SPACE.undecided().items()}
    probabilities = SPACE.probabilities(logits)
    free = SPACE.backbone(likeliest(SPACE, probabilities, 10**12))
    assert [stage.width for stage in free.stages] == [16, 24, 8]
    for budget in (free.operations - 1, free.operations // 3, free.operations // 20):
        assert SPACE.backbone(likeliest(SPACE, probabilities, budget)).operations <= budget


def test_a_resumed_search_ends_like_an_unbroken_one(tmp_path, one_thread):
    whole = Search(plan(), TRAINING, tmp_path / "whole")
    whole.run()
    with pytest.raises(KeyboardInterrupt):
        Interrupted(plan(), TRAINING, tmp_path / "broken").run()
    resumed = Search(plan(), TRAINING, tmp_path / "broken")
    resumed.resume()
    assert resumed.progress.step == 4
    resumed.run()
    for name, value in whole.phi.items():
        assert torch.equal(resumed.phi[name], value), name
    assert resumed.record.rows == whole.record.rows
    assert [row["step"] for row in whole.record.rows] == [2, 4, 6]
    assert resumed.found() == whole.found()


def test_the_structure_waits_for_the_warm_up_and_then_moves_on_classes_of_its_own(tmp_path):
    search = Search(plan(), TRAINING, tmp_path)
    search.run()
    first, *_, last = search.record.rows
    for stage in first["stages"]:
        assert all(len(set(values)) == 1 for values in stage.values()), "undecided while it warms up"
    moved = [
        name
        for name, value in search.phi.items()
        if name.startswith(f"{BODY}structure.") and value.detach().abs().max() > 0
    ]
    assert len(moved) == len(AXES) * 3
    assert first != last
    seen = [
        {image.numpy().tobytes() for image in sampler.batch(0, 60).query_images.flatten(0, 1)}
        for sampler in (search.tasks.sampler, search._others)
    ]
    assert min(map(len, seen)) > 60
    assert not seen[0] & seen[1]


def test_a_log_tells_at_each_look_what_share_of_the_budget_is_expected(tmp_path, capsys):
    search = Search(plan(), TRAINING, tmp_path)
    search.run()
    lines = capsys.readouterr().err.splitlines()
    form = re.compile(r"tiny: step (\d) of 6, loss \d\.\d{3}, operations (\d+)% of the budget, trained \d\d:\d\d")
    told = [[int(value) for value in form.fullmatch(line).groups()] for line in lines]
    budget = search.backbone.operations
    assert told == [[row["step"], round(100 * row["operations"] / budget)] for row in search.record.rows]


def test_logits_are_shifted_to_the_budget_and_no_further():
    generator = torch.Generator().manual_seed(0)
    logits = {name: torch.randn(len(value), generator=generator) for name, value in SPACE.undecided().items()}
    free = expected_operations(SPACE, SPACE.probabilities(logits)).item()
    for share in (0.9, 0.3, 0.15):
        held = to_budget(SPACE, logits, int(share * free))
        assert 0.95 * share * free < expected_operations(SPACE, SPACE.probabilities(held)).item() <= share * free
        for stage in range(3):
            groups = parameter(stage, "groups")
            assert torch.equal(held[groups], logits[groups]), "which cost nothing"
    assert all(torch.equal(value, logits[key]) for key, value in to_budget(SPACE, logits, int(2 * free)).items())
    with pytest.raises(ValueError, match="cheapest structure takes"):
        to_budget(SPACE, logits, 10)


def test_draws_are_by_the_probabilities_and_leave_the_logits(tmp_path):
    search = Search(plan(), TRAINING, tmp_path)
    key = f"{BODY}structure.stage2.width"
    logits = torch.tensor([0.0, 1.0, -1.0])
    with torch.no_grad():
        search.phi[key].copy_(logits)
    counts = torch.zeros(3)
    for number in range(2000):
        with search._noise(number):
            counts[search.phi[key].argmax()] += 1
        assert torch.equal(search.phi[key].detach(), logits)
    torch.testing.assert_close(counts / 2000, logits.softmax(0), atol=0.035, rtol=0)
    with pytest.raises(ZeroDivisionError), search._noise(0):
        raise ZeroDivisionError
    assert torch.equal(search.phi[key].detach(), logits)


def test_the_recipe_that_it_writes_reads_and_trains(tmp_path):
    search = Search(plan(), TRAINING, tmp_path)
    search.run()
    path = write_found(search.recipe, search.found(), search.backbone.operations, tmp_path)
    found = read_recipe(path)
    assert found.name == "tiny-found"
    assert found.build_learner().backbone == search.found()
    assert found.build_learner().backbone.operations <= search.backbone.operations
    trainer = Trainer(found, TRAINING, VALIDATION, tmp_path / "run")
    before = trainer._copy()
    trainer.run()
    assert not torch.equal(trainer.phi["body.stage1.1.convolution"], before["body.stage1.1.convolution"])


def test_the_picture_has_a_line_for_each_option(tmp_path):
    search = Search(plan(), TRAINING, tmp_path)
    search.run()
    picture = ElementTree.fromstring(chart("a <title>", search.record))
    lines = picture.findall(f"{SVG}g/{SVG}path[@class='l']")
    assert len(lines) == sum(len(search.space.options(stage, axis)) for stage in range(3) for axis in AXES)


def test_no_name_in_the_picture_lies_on_another(tmp_path):
    search = Search(plan(), TRAINING, tmp_path)
    search.run()
    picture = ElementTree.fromstring(chart("a", search.record))
    panels = picture.findall(f"{SVG}rect[@class='grid']")
    assert len(panels) == 3 * len(AXES)
    texts = [(float(one.get("x")), float(one.get("y"))) for one in picture.iter(f"{SVG}text")]
    for panel in panels:
        right, top, high = (float(panel.get(key)) for key in ("x", "y", "height"))
        right += float(panel.get("width"))
        names = sorted(y for x, y in texts if right < x < right + 5 and top <= y <= top + high + 5)
        assert len(names) > 1
        assert min(one - other for other, one in pairwise(names)) >= 11.5


def test_a_plan_that_cannot_be_is_refused(tmp_path):
    for changes, message in (
        ({"widths": ((64,), (64,), (64,))}, "cheapest structure takes"),
        ({"widths": ((6,),)}, "multiple of its 4 groups"),
        ({"widths": ((8,),) * 5}, "5 stages are more than can halve 16 pixels"),
        ({"kernels": (2,)}, "of side 1, 3, 5 or 7"),
        ({"kernels": ()}, "need at least one entry"),
    ):
        with pytest.raises(RecipeError, match=message):
            Search(plan(structure=dataclasses.replace(PLAN, **changes)), TRAINING, tmp_path)
    with pytest.raises(RecipeError, match="goes by gradient"):
        Search(plan(outer=Outer(rule="reptile")), TRAINING, tmp_path)


def test_the_command_searches_and_leaves_all_of_it(tmp_path, capsys):
    recipe = tmp_path / "small.yaml"
    values = {**plan().as_dict(), "name": "small"}
    values["data"] = {"name": "strokes", "classes": 20}
    recipe.write_text(yaml.safe_dump(values))
    out = tmp_path / "out"
    assert main(["search", str(recipe), "--out", str(out)]) == 0
    assert "of the budget" in capsys.readouterr().out
    record = json.loads((out / "structure.json").read_text())
    assert record["options"][1]["width"] == [4, 8, 16]
    assert record["budget"] == read_recipe(recipe).build_learner().backbone.operations
    assert (out / "structure.svg").read_text().startswith("<svg")
    assert read_recipe(out / "small-found.yaml").build_learner().backbone.operations <= record["budget"]
    assert main(["search", str(recipe), "--out", str(out)]) == 2
    assert "--resume" in capsys.readouterr().err
    resumed = ["search", str(recipe), "--out", str(out), "--resume"]
    found = (out / "small-found.yaml").read_text()
    (out / "structure.json").write_text("{")
    assert main(resumed) == 2
    assert "structure.json is damaged" in capsys.readouterr().err
    (out / "structure.json").unlink()
    assert main(resumed) == 0
    assert (out / "small-found.yaml").read_text() == found
