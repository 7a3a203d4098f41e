"""Measuring on a folder: split as the training split it; training classes among the others are warned of."""

import json
import shutil

import pytest

from models.initialization import load
from tests.training.made_drawings import write_class
from tests.training.tiny_run import recipe
from training.__main__ import main
from training.datasets.folder import split_names
from training.recipe import Data
from training.run.publication import publish_run
from training.run.run_classes import load_classes
from training.run.trainer import Trainer

SEED, NAMES = 7, [f"class{index:02d}" for index in range(16)]
SPLITS = {seed: split_names(NAMES, seed, "") for seed in (0, SEED)}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    for index, name in enumerate(NAMES):
        write_class(folder / name, 4, first_seed=10 * index)
    return folder


@pytest.fixture(scope="module")
def trained(tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    plan = recipe(data=Data("folder", seed=SEED), reports=())
    classes = load_classes(plan.data, plan.build_preprocessing(), data_dir=tree)
    trainer = Trainer(plan, classes.episodes, classes.validation, folder)
    publish_run(
        plan, trainer.best, trainer.progress, classes.training, classes.validation, folder / "initialization"
    )
    return folder / "initialization"


def measured(tree, *arguments):
    told = ["--dataset", "folder", "--data-dir", str(tree), "--ways", "2", "--queries", "1", "--episodes", "30"]
    return main([*map(str, arguments), *told])


def test_the_split_is_that_of_the_training(trained, tree, tmp_path, capsys):
    assert measured(tree, "mistakes", trained, "--split", "test", "--json", tmp_path / "out.json") == 0
    pairs = json.loads((tmp_path / "out.json").read_text())["pairs"]
    assert pairs
    assert {pair["first"] for pair in pairs} < SPLITS[SEED]["test"]
    assert "warning" not in capsys.readouterr().err
    assert measured(tree, "evaluate", trained, "--split", "test", "--data-seed", "0") == 0
    seen = SPLITS[0]["test"] & SPLITS[SEED]["train"]
    assert f"named like {len(seen)} of these {len(SPLITS[0]['test'])} test classes" in capsys.readouterr().err


def test_another_is_measured_on_the_same_tasks_and_warned_of(trained, tree, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    card = json.loads((other / "card.json").read_text())
    card["name"] = "other"
    card["recipe"]["data"]["seed"] = 0
    card["trained_on"]["class_names"] = sorted(SPLITS[0]["train"])
    (other / "card.json").write_text(json.dumps(card))
    assert measured(tree, "evaluate", trained, "--against", other, "--split", "test") == 0
    printed = capsys.readouterr()
    assert "+0.00 ± 0.00 points" in printed.out
    assert "warning: other " in printed.err
    assert "warning: tiny " not in printed.err


def test_training_classes_that_a_newcomer_moves_to_test_are_told(trained, tree, tmp_path, capsys):
    grown = tmp_path / "grown"
    shutil.copytree(tree, grown)
    for index in range(12):
        write_class(grown / f"new{index}", 3, first_seed=500 + 10 * index)
    names = NAMES + [f"new{index}" for index in range(12)]
    moved = split_names(names, SEED, "")["test"] & SPLITS[SEED]["train"]
    assert moved
    assert measured(grown, "evaluate", trained, "--split", "test") == 0
    error = capsys.readouterr().err
    assert f"named like {len(moved)} of these" in error
    assert any(repr(name) in error for name in moved)
    assert measured(grown, "evaluate", trained, "--split", "train") == 0
    assert "warning" not in capsys.readouterr().err


def test_a_training_that_was_given_a_folder_further_up_has_seen_them_too(trained, tree, tmp_path, capsys):
    later = tmp_path / "later"
    shutil.copytree(trained, later)
    card = json.loads((later / "card.json").read_text())
    card["trained_on"]["class_names"] = [f"data/train/{name}" for name in card["trained_on"]["class_names"]]
    (later / "card.json").write_text(json.dumps(card))
    assert measured(tree, "evaluate", later, "--split", "test", "--data-seed", "0") == 0
    assert "was trained on classes named like" in capsys.readouterr().err


def test_what_the_training_built_on_has_been_seen_too(trained, tree, tmp_path, capsys):
    later = tmp_path / "later"
    shutil.copytree(trained, later)
    card = json.loads((later / "card.json").read_text())
    first = {"trained_on": card["trained_on"]}
    card["trained_on"] = {**first["trained_on"], "class_names": []}
    card["pretrained"] = first
    (later / "card.json").write_text(json.dumps(card))
    assert measured(tree, "evaluate", later, "--split", "test", "--data-seed", "0") == 0
    assert "was trained on classes named like" in capsys.readouterr().err


def test_auto_splits_as_its_candidates_did(trained, tree, tmp_path, capsys):
    arguments = ["auto", trained, "--split", "test", "--shots", "1", "--dataset", "folder"]
    arguments = [*map(str, arguments), "--data-dir", str(tree), "--ways", "2", "--episodes", "2"]
    assert main(arguments) == 0
    assert "warning" not in capsys.readouterr().err
    assert main([*arguments, "--data-seed", "0"]) == 0
    assert "was trained on classes named like" in capsys.readouterr().err
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    card = json.loads((other / "card.json").read_text())
    card["name"], card["recipe"]["data"]["seed"] = "other", 0
    (other / "card.json").write_text(json.dumps(card))
    arguments.insert(1, str(other))
    assert main(arguments) == 2
    assert "say --data-seed" in capsys.readouterr().err


def test_names_are_told_of_folders_alone(trained):
    assert set(load(trained).card["trained_on"]["class_names"]) == SPLITS[SEED]["train"]


def test_validation_classes_named_like_training_classes_are_told_before_training(tmp_path, caplog):
    for split, first_seed in (("train", 0), ("val", 100)):
        for index in range(2 + (split == "val")):
            write_class(tmp_path / split / f"class{index}", 2, first_seed=first_seed + 10 * index)
    plan = recipe()
    load_classes(plan.data, plan.build_preprocessing(), data_dir=tmp_path)
    assert "2 of 3 validation classes have names of training classes, for example 'class0'" in caplog.text
    for index in range(2):
        (tmp_path / "val" / f"class{index}").rename(tmp_path / "val" / f"other{index}")
    caplog.clear()
    load_classes(plan.data, plan.build_preprocessing(), data_dir=tmp_path)
    assert not caplog.records


def test_one_that_is_on_both_sides_is_told_in_the_singular(tmp_path, caplog):
    for index, name in enumerate(("train/class0", "train/other1", "val/class0", "val/other2")):
        write_class(tmp_path / name, 2, first_seed=10 * index)
    copied = sorted((tmp_path / "train" / "other1").iterdir())[0]
    shutil.copy(copied, tmp_path / "val" / "other2" / "copy.png")
    plan = recipe()
    load_classes(plan.data, plan.build_preprocessing(), data_dir=tmp_path)
    named, same = (record.getMessage() for record in caplog.records)
    assert named.startswith("1 of 2 validation classes has the name of a training class, for example 'class0': ")
    assert same.startswith("1 validation image is a training image as well, of 'other2' and 'other1': ")


@pytest.mark.parametrize("as_link", [False, True])
def test_a_class_under_two_names_on_both_sides_of_the_split_is_told(tmp_path, as_link, caplog):
    for index, name in enumerate(NAMES):
        write_class(tmp_path / name, 3, first_seed=10 * index)
    plan = recipe(data=Data("folder", seed=SEED))
    where = {"preprocessing": plan.build_preprocessing(), "data_dir": tmp_path}
    load_classes(plan.data, **where)
    assert not caplog.records
    copy = next(
        name
        for name in (f"copy{index}" for index in range(100))
        if name in split_names([*NAMES, name], SEED, "")["validation"]
    )
    of = sorted(split_names([*NAMES, copy], SEED, "")["train"])[0]
    if as_link:
        (tmp_path / copy).symlink_to(tmp_path / of)
    else:
        shutil.copytree(tmp_path / of, tmp_path / copy)
    load_classes(plan.data, **where)
    (record,) = caplog.records
    assert f"3 validation images are training images as well, of '{copy}' and '{of}': " in record.getMessage()
