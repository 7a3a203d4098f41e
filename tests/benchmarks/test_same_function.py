"""The baselines compute what we compute, so that comparing their speed means something."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

pytest.importorskip("learn2learn", reason="the baselines are learn2learn's; it comes with requirements/train.txt")

from benchmarks import in_process, photos
from benchmarks.drawings import Drawings
from benchmarks.outer_gradients import Ours, PlainMaml, initial, work_of_task
from benchmarks.outer_settings import ON_GPU, SETTINGS, Setting
from benchmarks.plain_conv4 import PlainConv4
from benchmarks.plain_learner import PlainLearner
from benchmarks.plain_staged import PlainStaged
from benchmarks.threads import one_thread
from models.backbones.conv4 import Conv4
from models.backbones.stage import Stage
from models.backbones.staged import Staged
from models.initialization import load, shipped

STRIDED, POOLED = Conv4(1, 28, 8, "stride"), Conv4(1, 28, 8, "pool")
# Wide enough for the products in C.
WIDER = [Conv4(1, 28, 16, "stride"), Conv4(1, 28, 16, "pool")]


@pytest.mark.parametrize("backbone", [STRIDED, POOLED, *WIDER])
@pytest.mark.parametrize(("moves", "second_order"), [("all", True), ("all", False), ("head", True)])
def test_outer_gradients_agree(backbone, moves, second_order):
    setting = Setting("", backbone, 2, 3, 2, 1, moves=moves, second_order=second_order)
    phi, batch = initial(setting), setting.batch(setting.tasks)
    ours = Ours(setting, phi, batch).gradient().double()
    theirs = PlainMaml(setting, phi, batch).gradient().double()
    assert ours.shape == theirs.shape
    assert torch.nn.functional.cosine_similarity(ours, theirs, dim=0) > 0.99999
    torch.testing.assert_close(ours.norm(), theirs.norm(), rtol=1e-4, atol=0.0)


def test_the_second_order_differs():
    setting = Setting("", POOLED, 2, 3, 2, 1)
    phi, batch = initial(setting), setting.batch(setting.tasks)
    second = Ours(setting, phi, batch).gradient()
    first = Ours(replace(setting, second_order=False), phi, batch).gradient()
    assert torch.nn.functional.cosine_similarity(first, second, dim=0) < 0.99


def test_counted_operations_are_those_of_convolutions():
    """A support image takes 9 passes (1 forward, 2 backward, 6 through both), a query image 3."""
    setting = Setting("", Conv4(1, 28, 32, "stride"), 2, 3, 2, 1)
    network = PlainConv4(setting.backbone, initial(setting))
    with FlopCounterMode(display=False) as counter:
        network(torch.rand(1, 1, 28, 28))
    expected = counter.get_total_flops() * setting.ways * (9 * setting.shots + 3 * setting.queries)
    assert work_of_task(setting).flops == pytest.approx(expected, rel=0.1)


def test_the_plain_learner_answers_as_ours():
    initialization = load(shipped()["characters"])
    task = Drawings(5, 4).task(5, 2, 10, seed=0)
    with one_thread():
        ours = in_process.ours(initialization, task)
        theirs = in_process.plain(PlainLearner(initialization), initialization, task, "head")
    names = sorted({label for label, _ in task.support})
    mine = torch.tensor([[one["probabilities"][name] for name in names] for one in ours])
    torch.testing.assert_close(mine, theirs, rtol=0.0, atol=0.01)


@pytest.mark.parametrize("last", [Stage(16, 2, 3, "stride", True), Stage(16, 1, 5, "pool")], ids=["skip", "pool"])
@pytest.mark.parametrize("signed", [True, False])
def test_the_plain_stages_have_our_features(last, signed):
    views = ((8.0, 0.1, 0.1), (-8.0, 0.1, -0.1))
    backbone = Staged(1, 28, (Stage(8), last), unit=True, average=False, signed=signed, views=views)
    params = {
        name: value + 0.1 if "convolution" not in name else value
        for name, value in backbone.initial(torch.Generator().manual_seed(0)).items()
    }
    images = torch.rand(5, 1, 28, 28)
    theirs = PlainStaged(backbone, {f"body.{name}": value for name, value in params.items()})(images)
    torch.testing.assert_close(theirs, backbone(params, images[None])[0][0], rtol=1e-5, atol=1e-6)


def test_the_plain_network_has_our_features_of_photos():
    """Of what ships: features of several depths, seen in views and from their centres."""
    initialization = load(shipped()[photos.MODEL])
    images = torch.rand(2, 3, 84, 84)
    with torch.no_grad():
        theirs = PlainStaged(initialization.learner.backbone, initialization.phi).eval()(images)
        ours = initialization.embedding(images)
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)


def test_rows_have_names_of_their_own():
    names = [setting.name for setting in (*SETTINGS, *ON_GPU)]
    assert len(set(names)) == len(names)
