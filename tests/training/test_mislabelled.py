"""Tasks with one wrong label: whether the other examples find it, and what it costs."""

import json
import re
from dataclasses import replace

import pytest
import torch

from models.initialization import Initialization, learner_from_dict, save
from models.support import Support
from tests.made_confidence import constant_confidence
from tests.training.made_drawings import write_class
from tests.training.tiny_run import VALIDATION, recipe
from training.__main__ import main
from training.datasets.class_images import DataError
from training.measures.evaluation import embedded, measure
from training.measures.measured import Protocol, interval_95
from training.measures.mislabelled import MislabelledTasks, mislabelled, wider

PROTOCOL = Protocol(4, 3, 2, 60, seed=5)
PREPROCESSING = recipe().build_preprocessing()
SHARPNESS = constant_confidence().expectation.sharpness


def _initialization(moves, rate=0.05):
    plan = recipe()
    plan.learner["rule"] |= {"moves": moves, "initial_rate": rate, "steps": int(moves != "nothing")}
    learner = learner_from_dict(plan.learner)
    return Initialization("tiny", "", {}, learner, learner.initial(seed=0), PREPROCESSING, constant_confidence())


def _class_of(places):
    return torch.searchsorted(VALIDATION.offsets, places, right=True) - 1


def test_one_example_has_the_label_of_another_class_of_its_task():
    tasks, numbers = MislabelledTasks(VALIDATION, PROTOCOL), range(60)
    drawn, wrong, mended = tasks.as_drawn(numbers), tasks.mislabelled(numbers), tasks.mended(numbers)
    planted, seen = tasks.planted(numbers), set()
    for task, place in enumerate(planted.tolist()):
        labels, ids = wrong.support.labels[task], wrong.class_ids[task]
        assert labels.tolist() == drawn.support.labels[task].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
        of_image = _class_of(wrong.support_places[task])
        assert (of_image != ids[labels]).nonzero().flatten().tolist() == [place]
        assert of_image[place] in ids
        assert torch.equal(_class_of(mended.support_places[task]), ids[mended.support.labels[task]])
        assert torch.equal(wrong.support_places[task], mended.support_places[task])
        changed = wrong.support_places[task] != drawn.support_places[task]
        assert changed.nonzero().flatten().tolist() == [place]
        places = torch.cat([wrong.support_places[task], wrong.query_places[task]]).tolist()
        assert len(set(places)) == len(places) == 4 * (3 + 2)
        assert torch.equal(_class_of(wrong.query_places[task]), ids[wrong.query_labels[task]])
        seen.add((place, int(mended.support.labels[task, place])))
    assert {place for place, _ in seen} == set(range(12))
    assert len(seen) > 24, "of 36 pairs of an example and another class"
    images = VALIDATION.images[wrong.support_places].float() / 255
    assert torch.equal(wrong.support.images, images)
    assert torch.equal(mended.support.images, images)
    for one in (drawn, wrong, mended):
        assert torch.equal(one.query_images, VALIDATION.images[one.query_places].float() / 255)
        assert one.query_labels.shape == one.query_weights.shape == (60, 8)


def test_a_task_is_the_same_whichever_others_it_is_drawn_with():
    tasks = MislabelledTasks(VALIDATION, PROTOCOL)
    together, alone = tasks.mended(range(10)), tasks.mended([7])
    assert torch.equal(alone.support_places[0], together.support_places[7])
    assert torch.equal(alone.support.labels[0], together.support.labels[7])
    assert torch.equal(tasks.planted([7]), tasks.planted(range(10))[7:8])


def _doubts(features, labels):
    """Each example's own probability by the class means of the others, and whether it is doubtful."""
    own, doubtful = [], []
    for left_out, label in enumerate(labels):
        logits = []
        for other in range(4):
            some = [features[at] for at, of in enumerate(labels) if of == other and at != left_out]
            distance = (torch.stack(some).mean(0) - features[left_out]).square().sum()
            logits.append(-SHARPNESS * distance / (1 + 1 / len(some)))
        shares = torch.stack(logits).softmax(0).tolist()
        own.append(shares[label])
        doubtful.append(float(max(shares) >= 10 * shares[label]))
    return own, doubtful


@pytest.mark.parametrize(("moves", "rate"), [("head", 3.0), ("all", 0.05)])
def test_figures_are_those_of_a_plain_loop(moves, rate):
    initialization = _initialization(moves, rate)  # at which some labels are doubted, and some answers change
    learner, phi = initialization.learner, initialization.phi
    tasks, protocol = MislabelledTasks(VALIDATION, PROTOCOL), replace(PROTOCOL, episodes=30)
    found, least, sound, of_drawn, right = [], [], [], [], {"drawn": [], "wrong": [], "mended": []}
    for task in range(protocol.episodes):
        for name, draw in (("drawn", tasks.as_drawn), ("wrong", tasks.mislabelled), ("mended", tasks.mended)):
            batch = draw([task]).map_images(PREPROCESSING.normalise)
            support = batch.support
            with torch.no_grad():
                theta = learner.adapt(phi, Support.of_task(support.images[0], support.labels[0]))
                features = learner.features(theta, support.images)[0].double()
                answers = learner.predict(theta, batch.query_images).argmax(-1)
            right[name].append(float((answers == batch.query_labels).double().mean()))
            own, doubtful = _doubts(features, support.labels[0].tolist())
            if name == "wrong":
                planted = int(tasks.planted([task])[0])
                found.append(doubtful.pop(planted))
                least.append(float(own.index(min(own)) == planted))
                sound.append(sum(doubtful) / len(doubtful))
            elif name == "drawn":
                of_drawn.append(sum(doubtful) / len(doubtful))
    result = mislabelled(initialization, VALIDATION, protocol)
    drawn, wrong, mended = (torch.tensor(one, dtype=torch.float64) for one in right.values())
    for name, values in (
        ("found", found),
        ("least_probable", least),
        ("sound_doubted", sound),
        ("doubted_as_drawn", of_drawn),
        ("accuracy_as_drawn", drawn),
        ("accuracy_mislabelled", wrong),
        ("accuracy_mended", mended),
        ("gain_of_mending", mended - wrong),
    ):
        of_tasks = torch.as_tensor(values, dtype=torch.float64)
        share = getattr(result, name)
        assert share.mean == pytest.approx(float(of_tasks.mean()), abs=1e-9), name
        assert share.interval_95 == pytest.approx(interval_95(of_tasks), abs=1e-9), name
        assert of_tasks.std() > 0, f"{name} tells nothing"


@pytest.mark.parametrize("apart", [True, False])
def test_a_wrong_label_is_found_where_classes_are_apart(apart):
    width = _initialization("nothing").learner.backbone.features
    noise = torch.randn(len(VALIDATION.images), width, generator=torch.Generator().manual_seed(0))
    centres = torch.cat([torch.eye(width), -torch.eye(width)])[: len(VALIDATION)]
    features = 0.05 * noise + 2 * apart * centres.repeat_interleave(VALIDATION.counts, 0)
    result = mislabelled(_initialization("nothing"), VALIDATION, PROTOCOL, features=features)
    if apart:
        assert (result.found.mean, result.least_probable.mean) == (1, 1)
        assert (result.sound_doubted.mean, result.doubted_as_drawn.mean) == (0, 0)
        assert result.accuracy_mended.mean == 1
    else:
        assert result.found.mean < 0.1
        assert result.least_probable.mean == pytest.approx(1 / 12, abs=0.12)


def test_all_images_that_the_tasks_use_are_embedded():
    initialization, few = _initialization("nothing"), replace(PROTOCOL, episodes=2)
    learner, phi = initialization.learner, initialization.phi
    assert len(VALIDATION.images) > 2 * 4 * (3 + 2 + 1), "so that not all are embedded"
    features = embedded(learner, phi, PREPROCESSING, VALIDATION, protocols=[wider(few)])
    tasks = MislabelledTasks(VALIDATION, few)
    drawn = measure(learner, phi, PREPROCESSING, VALIDATION, few, draw=tasks.mislabelled, features=features)
    assert drawn.geometry[0].left_out.isfinite().all()
    everywhere = embedded(learner, phi, PREPROCESSING, VALIDATION)
    result = mislabelled(initialization, VALIDATION, few)
    assert result == mislabelled(initialization, VALIDATION, few, features=everywhere)


def test_tasks_without_an_image_to_spare_are_refused_before_anything_is_embedded():
    with pytest.raises(DataError, match="3 shots, 4 queries and a mislabelled image take 8 images of a class"):
        mislabelled(_initialization("nothing"), VALIDATION, replace(PROTOCOL, queries=4))


@pytest.fixture
def told(tmp_path):
    """A command on a folder of drawings, whose initialization does not adapt."""
    for look in range(12):
        write_class(tmp_path / "data" / f"symbol{look:02d}", 6, first_seed=10 * look)
    one = _initialization("nothing")
    facts = {"learner": one.learner, "phi": one.phi, "preprocessing": one.preprocessing}
    save(tmp_path / "tiny", name="tiny", **facts, confidence=one.confidence, facts={})
    given = ["mislabelled", str(tmp_path / "tiny"), "--dataset", "folder", "--split", "train"]
    return [*given, "--data-dir", str(tmp_path / "data"), "--ways", "3", "--shots", "3", "--queries", "2"]


def test_the_command_prints_what_it_writes(told, tmp_path, capsys):
    assert main([*told, "--episodes", "30", "--seed", "1", "--json", str(tmp_path / "m.json")]) == 0
    printed = capsys.readouterr().out
    written = json.loads((tmp_path / "m.json").read_text())
    assert printed.startswith(
        "tiny on folder train, 3-way 3-shot, 30 episodes, seed 1, one wrong label in each:\n"
    )
    assert (written["ways"], written["shots"], written["queries"], written["seed"]) == (3, 3, 2, 1)
    shares = ["found", "least_probable", "sound_doubted", "doubted_as_drawn"]
    for place, name in enumerate([*shares, "accuracy_mislabelled", "accuracy_mended", "accuracy_as_drawn"]):
        share, digits = written[name], 1 if place < 2 else 2
        figure = f"{100 * share['mean']:.{digits}f} ± {100 * share['interval_95']:.{digits}f} %"
        assert re.findall(r"\d[\d.]* ± [\d.]+ %", printed)[place] == figure, name
    gain = written["gain_of_mending"]
    assert f"({100 * gain['mean']:+.2f} ± {100 * gain['interval_95']:.2f} points)" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shots", "2"], "--shots must be at least 3: of two examples, nothing tells which is mislabelled"),
        (["--queries", "0"], "--queries must be at least 1"),
        (["--episodes", "1"], "--episodes must be at least 2"),
        (["--queries", "3"], "3 shots, 3 queries and a mislabelled image take 7 images of a class"),
    ],
)
def test_tasks_that_tell_nothing_are_refused(told, options, message, capsys):
    assert main([*told, *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
