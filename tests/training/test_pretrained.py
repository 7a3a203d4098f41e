"""The pretrained start: an initialization, or what lies in torch's hub cache; the card tells of it."""

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models import DenseNet121_Weights, ShuffleNet_V2_X0_5_Weights

from models.backbones.torchvision_backbone import TorchvisionBackbone
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.initialization import CARD, load
from models.learner import BODY, part
from tests.training.tiny_run import TRAINING, VALIDATION, noisy_classes, recipe
from training.datasets.class_images import ClassImages
from training.outer_plan import Outer
from training.recipe import Data, RecipeError, Report, Validation
from training.recipe_reading import read_recipe
from training.run.pretrained import pretrained_start
from training.run.publication import publish_run
from training.run.trainer import Trainer

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
MODEL, WEIGHTS = "shufflenet_v2_x0_5", ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty hub cache, and no network."""

    def refuse(url, *_, **__):
        raise URLError("no network here")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def laid(cache, model, weights):
    """Made-up weights under the name that torchvision gives its own."""
    torch.manual_seed(11)
    network = torchvision.models.get_model(model, weights=None)
    for part_of in network.modules():
        if isinstance(part_of, nn.Conv2d):
            nn.init.kaiming_normal_(part_of.weight)  # so that all layers pass something on
        if isinstance(part_of, nn.BatchNorm2d):
            part_of.running_var.uniform_(0.5, 1.5)
    file = cache / weights.url.rpartition("/")[2]
    torch.save(network.state_dict(), file)
    return network, file


def plan(model=MODEL, pretrained="DEFAULT", **changes):
    backbone = {"kind": "torchvision", "model": model, "side": 32, "unit": True}
    learner = {
        "backbone": backbone,
        "head": {"kind": "prototype"},
        "rule": {"moves": "head", "steps": 2, "initial_rate": 0.01},
    }
    values = {
        "learner": learner,
        "pretrained": pretrained,
        "preprocessing": Preprocessing(
            "photo", 32, 3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        ).as_dict(),
        "outer": Outer(tasks=1, steps=2, learning_rate=1e-4),
        "validation": Validation(every=1, episodes=3, queries=1),
        "reports": (Report(3, 1),),
        "report_episodes": 3,
        "calibration_tasks": 2,
    }
    return recipe(**(values | changes))


def colour_classes(count, seed):
    grey = noisy_classes(count, seed)
    images = grey.images.repeat_interleave(2, -1).repeat_interleave(2, -2).expand(-1, 3, -1, -1)
    return ClassImages(images.contiguous(), grey.offsets, grey.classes, grey.groups)


def test_weights_in_the_cache_become_the_body_and_the_card_tells_of_them(cache, tmp_path):
    network, file = laid(cache, MODEL, WEIGHTS)
    training, validation = colour_classes(8, 0), colour_classes(6, 1)
    start = pretrained_start(plan())
    trainer = Trainer(plan(), training, validation, tmp_path / "run", pretrained=start)
    body = part(trainer.phi, BODY)
    wanted = TorchvisionBackbone(MODEL, 32).params_of(network.state_dict())
    assert body.keys() == wanted.keys()
    assert all(torch.equal(body[name], value) for name, value in wanted.items())
    trainer.run()
    moved = part(trainer.phi, BODY)
    for name, value in wanted.items():  # the outer loop fits weights, and leaves the constants
        assert torch.equal(moved[name], value) == name.endswith(".moments"), name
    best = {name: value.detach() for name, value in trainer.best.items()}
    folder = tmp_path / "run" / "initialization"
    publish_run(plan(), best, trainer.progress, training, validation, folder, trainer.pretrained)
    card = load(folder).card["pretrained"]
    assert card["weights"] == "ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1"
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert card["as_published"] is False  # as it is: these are made up
    assert "BSD-3-Clause" in card["licence"]
    assert "1000 classes" in card["seen"]


def test_older_names_of_densenets_are_understood(cache):
    network, file = laid(cache, "densenet121", DenseNet121_Weights.IMAGENET1K_V1)
    state = network.state_dict()
    older = {re.sub(r"(denselayer\d+\.(norm|conv))([12])", r"\1.\3", name): v for name, v in state.items()}
    assert older.keys() != state.keys()
    torch.save(older, file)
    start = pretrained_start(plan("densenet121"))
    wanted = state["features.denseblock1.denselayer1.norm1.weight"]
    assert torch.equal(start.phi[f"{BODY}features.denseblock1.denselayer1.norm1.weight"], wanted)


def test_without_a_network_it_says_which_file_to_put_where(cache):
    with pytest.raises(RecipeError, match=r"^https://\S+ can't be downloaded \(.*no network here") as fault:
        pretrained_start(plan())
    assert WEIGHTS.url in str(fault.value)
    assert str(cache / WEIGHTS.url.rpartition("/")[2]) in str(fault.value)
    assert "TORCH_HOME" in str(fault.value)


class Hostile:
    def __reduce__(self):
        return (print, ("run by a hostile file",))


@pytest.mark.parametrize("content", ["damaged", "hostile", "another network"])
def test_a_file_that_holds_no_such_weights_is_named(cache, content, capsys):
    file = cache / WEIGHTS.url.rpartition("/")[2]
    if content == "damaged":
        file.write_bytes(b"<html>not found</html>")
    elif content == "hostile":
        torch.save({"fc.weight": Hostile()}, file)
    else:
        torch.save(torchvision.models.squeezenet1_1(weights=None).state_dict(), file)
    told = "does not fit shufflenet" if content == "another network" else r"holds no weights (?s:.*); delete it"
    with pytest.raises(RecipeError, match=f"{file.name} {told}"):
        pretrained_start(plan())
    assert "hostile" not in capsys.readouterr().out


def test_names_are_checked(cache):
    with pytest.raises(RecipeError, match=r"'V9' is neither .*has the weights IMAGENET1K_V1, DEFAULT"):
        pretrained_start(plan(pretrained="V9"))
    assert pretrained_start(recipe()) is None
    with pytest.raises(RecipeError, match=r"'DEFAULT' is neither a shipped .*\(characters, photos\)"):
        pretrained_start(recipe(pretrained="DEFAULT"))
    with pytest.raises(RecipeError, match=r"outer\.warm_up"):
        plan(pretrained="").build_learner()


def published(folder, **changes):
    """A run's initialization, and what it starts another run with."""
    of_run = recipe(**changes)
    trainer = Trainer(of_run, TRAINING, VALIDATION, folder / "run", pretrained=pretrained_start(of_run))
    trainer.run()
    best = {name: value.detach() for name, value in trainer.best.items()}
    return publish_run(
        of_run, best, trainer.progress, TRAINING, VALIDATION, folder / "published", trainer.pretrained
    )


def test_a_run_goes_on_from_an_initialization_and_the_card_tells_of_it(tmp_path):
    former = published(tmp_path / "former")
    further = recipe(pretrained=str(tmp_path / "former" / "published"), outer=Outer(tasks=2, steps=1))
    trainer = Trainer(further, TRAINING, VALIDATION, tmp_path / "further", pretrained=pretrained_start(further))
    assert trainer.phi.keys() == former.phi.keys()
    assert all(torch.equal(trainer.phi[name], value) for name, value in former.phi.items())
    again = published(tmp_path / "again", pretrained=str(tmp_path / "former" / "published"))
    told = load(tmp_path / "again" / "published").card["pretrained"]
    assert (told["name"], told["version"]) == ("tiny", former.version) != ("tiny", again.version)
    assert told["trained_on"]["outer_steps"] == 8
    assert told["recipe"]["pretrained"] == ""
    assert set(load(tmp_path / "former" / "published").phi) == set(again.phi)


def test_an_initialization_of_another_learner_or_split_is_no_start(tmp_path):
    published(tmp_path)
    folder = str(tmp_path / "published")
    with pytest.raises(RecipeError, match=r"tiny \w+ does not fit .*take its card's `learner`"):
        pretrained_start(plan(pretrained=folder))
    richer = recipe().learner | {"head": asdict(Head("ridge"))}
    with pytest.raises(RecipeError, match=r"log_penalty is absent there, \(\) here"):
        pretrained_start(recipe(pretrained=folder, learner=richer))
    with pytest.raises(RecipeError, match=r"split by another seed.*set data\.seed to 0"):
        pretrained_start(recipe(pretrained=folder, data=Data("folder", seed=1)))


def test_a_split_is_remembered_by_what_goes_on_from_it(tmp_path):
    published(tmp_path / "former", data=Data("folder", seed=4))
    published(tmp_path / "again", pretrained=str(tmp_path / "former" / "published"), data=Data("strokes"))
    with pytest.raises(RecipeError, match=r"set data\.seed to 4"):
        pretrained_start(recipe(pretrained=str(tmp_path / "again" / "published")))


def test_a_split_is_remembered_by_what_has_a_member_that_saw_it(tmp_path):
    published(tmp_path)
    card = tmp_path / "published" / CARD
    members = [{"pretrained": {"recipe": {"data": {"name": "folder", "seed": 4}}}}]
    card.write_text(json.dumps({**json.loads(card.read_text()), "members": members}))
    with pytest.raises(RecipeError, match=r"set data\.seed to 4"):
        pretrained_start(recipe(pretrained=str(card.parent), data=Data("folder", seed=0)))


def test_a_data_set_with_a_split_of_its_own_or_other_symbols_may_have_another_seed():
    for name, of in (("omniglot", "characters"), ("strokes", "characters-first")):
        changes = ["pretrained=characters", f"data.name={name}", "data.seed=1"]
        start = pretrained_start(read_recipe(RECIPES / f"{of}.yaml", changes))
        assert start.facts["trained_on"]["data"] == "omniglot"
