"""What would spoil a measurement at its end is refused at its beginning, in one line on stderr."""

import dataclasses
import json
import os
import sys
from pathlib import Path

import pytest
import torch

from models.images.preprocessing import Preprocessing
from models.initialization import save
from tests.made_confidence import constant_confidence
from tests.training.made_drawings import write_class
from tests.training.tiny_run import TRAINING, noisy_classes, recipe
from training.__main__ import main
from training.commands import evaluate, mistakes
from training.commands.outputs import check_outputs, write_output
from training.datasets.class_images import DataError
from training.datasets.folder import split_names
from training.recipe import Data, Episodes, Report, Validation
from training.run.measurable import check_measurable

NO_UTF8 = "caf\udce9"


@pytest.fixture(scope="module")
def initialization(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    learner = recipe().build_learner()
    save(
        folder,
        name="tiny",
        learner=learner,
        phi=learner.initial(seed=0),
        preprocessing=Preprocessing("drawing", 16, 1),
        confidence=constant_confidence(),
        facts={"trained_on": {"looks": [[1, 0.5], [2, 0.6]]}},
    )
    return folder


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("evaluate", ["--json"]),
        ("mistakes", ["--svg", "--json"]),
        ("mislabelled", ["--json"]),
        ("curves", ["--svg", "--json"]),
    ],
)
@pytest.mark.parametrize(("at", "message"), [("none/out", "no folder"), (".", "is a folder")])
def test_outputs_are_tried_first(initialization, tmp_path, command, options, at, message, capsys):
    for option in options:
        given = [command, str(initialization), "--dataset", "none", option, str(tmp_path / at)]
        assert main(given) == 2
        error = capsys.readouterr().err
        assert str(tmp_path / at) in error
        assert message in error


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_told_first(initialization, tmp_path, capsys):
    tmp_path.chmod(0o500)
    given = ["evaluate", str(initialization), "--dataset", "none", "--json", str(tmp_path / "out.json")]
    assert main(given) == 2
    assert "there is no permission" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--keep-known", "1.5"], "the share of known items to keep must be"),
        (["--inner-steps", "-1"], "--inner-steps must not be negative"),
        (["--seed", "99999999999999999999"], "--seed must be 0 to 9223372036854775806"),
        (["--data-seed", "-1"], "--data-seed must be 0 to"),
        (["--shots", "0"], "--shots must be at least 1"),
        (["--ways", "0"], "--ways must be at least 2"),
        (["--queries", "0"], "--queries must be at least 1"),
        (["--against", "nowhere"], "'nowhere' is neither a shipped initialization"),
    ],
)
def test_evaluate_refuses_numbers_before_it_reads_data(initialization, options, message, capsys):
    assert main(["evaluate", str(initialization), "--dataset", "none", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--episodes", "0"], "--episodes must be at least 1"),
        (["--ways", "1"], "--ways must be at least 2"),
        (["--shots", "1", "0"], "--shots must be at least 1"),
        (["--seed", "-1"], "--seed must be 0 to"),
    ],
)
def test_auto_refuses_numbers_before_it_reads_data(initialization, options, message, capsys):
    assert main(["auto", str(initialization), "--dataset", "folder", *options]) == 2
    assert message in capsys.readouterr().err


def test_auto_does_not_offer_strokes(initialization, capsys):
    with pytest.raises(SystemExit):
        main(["auto", str(initialization), "--dataset", "strokes"])
    assert "choose from" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "INIT/card.json", "--dataset", "strokes"],
        ["train", "INIT"],
        ["train", "training/recipes/strokes.yaml", "--set", "data.classes=20", "--out", "INIT/card.json"],
    ],
)
def test_paths_of_the_wrong_kind_are_one_line(initialization, arguments, capsys):
    given = [argument.replace("INIT", str(initialization)) for argument in arguments]
    assert main(given) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert str(initialization) in error


@pytest.mark.parametrize("command", ["tune", "train", "search", "compare", "race"])
@pytest.mark.parametrize("inside", ["", "in/it"])
def test_a_file_in_place_of_the_folder_is_told_before_data_are_read(command, inside, tmp_path, capsys):
    plan = "training/recipes/strokes.yaml" if command in ("tune", "train", "search") else "omniglot"
    file = tmp_path / "file"
    file.touch()
    for more in ([], ["--resume"]):
        given = [command, plan, "--out", str(file / inside), "--data-dir", str(tmp_path / "none"), *more]
        assert main(given) == 2
        assert f"{file} is a file; name a folder" in capsys.readouterr().err


def test_a_disk_that_fills_is_one_line_that_names_the_file(initialization, tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evaluate, "_episodes", lambda *_: {"accuracy": 0.5})
    monkeypatch.setattr("pathlib.Path.write_text", full)
    given = ["evaluate", str(initialization), "--dataset", "strokes", "--json", str(tmp_path / "out.json")]
    assert main(given) == 2
    assert f"{tmp_path / 'out.json'} cannot be written" in capsys.readouterr().err


def test_a_disk_that_fills_leaves_the_figures_of_an_earlier_run(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_text("old")
    write = Path.write_text

    def full(at, text, **options):
        write(at, text[:1], **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(ValueError, match=r"out\.json cannot be written"):
        write_output(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_plain_file_is_written_to_not_replaced(tmp_path):
    told, link, pipe = tmp_path / "told.json", tmp_path / "link", tmp_path / "pipe"
    told.write_text("old")
    link.symlink_to(told)
    write_output(link, "new")
    assert link.is_symlink()
    assert told.read_text() == "new"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_output(pipe, "new")
    assert os.read(reader, 9) == b"new"
    os.close(reader)
    assert pipe.is_fifo()


def test_permissions_count_of_the_file_where_there_is_one(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_text("old")
    here = path.stat().st_ino
    monkeypatch.setattr("os.access", lambda at, _mode: at != tmp_path)
    check_outputs(path)
    write_output(path, "new")
    assert (path.read_text(), path.stat().st_ino) == ("new", here)
    monkeypatch.setattr("os.access", lambda at, _mode: at != path)
    with pytest.raises(ValueError, match="no permission"):
        check_outputs(path)


def test_classes_that_confidence_cannot_be_fitted_on_are_told_before_training():
    plan = recipe(reports=(), validation=Validation(queries=1))
    check_measurable(plan, TRAINING, noisy_classes(10, seed=1, images=3))
    with pytest.raises(DataError, match=r"10 of 10 have fewer: 'c00' \(2\), .*'c04' \(2\) and 5 more: add"):
        check_measurable(plan, TRAINING, noisy_classes(10, seed=1, images=2))


def _with_counts(counts):
    whole = noisy_classes(len(counts), seed=1, images=max(counts))
    kept = torch.cat([whole.of_class(index)[:count] for index, count in enumerate(counts)])
    return dataclasses.replace(whole, images=kept, offsets=torch.tensor([0, *counts]).cumsum(0))


def test_classes_with_too_few_images_are_told_all_at_once():
    plan = recipe(reports=(Report(2, 7),))
    few_each = _with_counts([7, 8, 3, 8, 2, 2, 2, 2, 2, 2, 8])
    with pytest.raises(DataError) as told:
        check_measurable(plan, _with_counts([8, 2, 8]), few_each)
    assert str(told.value) == (
        "episodes, on the 3 training classes: 1 shots and 2 queries take 3 images of a class, 'c01' has 2; lower "
        "them, add images or leave such classes out; reports[0], on the 11 validation classes: 7 shots and 5 "
        "queries take 12 images of a class, 11 of 11 have fewer: 'c00' (7), 'c01' (8), 'c02' (3), 'c03' (8), "
        "'c04' (2) and 6 more; lower them, add images or leave such classes out"
    )
    with pytest.raises(DataError, match=r"^episodes, on the 20 .* take 9 images of a class, 20 of 20 have fewer"):
        check_measurable(recipe(reports=(), episodes=Episodes(5, (1, 7), 2)), TRAINING, noisy_classes(10, seed=1))
    with pytest.raises(DataError, match=r"^validation, on the 10 .* take 3 images of a class, 'c01' has 2"):
        check_measurable(recipe(reports=()), TRAINING, _with_counts([8, 2, *[8] * 8]))


def test_how_many_classes_a_folder_needs_is_told_and_what_fits_fewer():
    few = noisy_classes(2, seed=1)
    with pytest.raises(
        DataError, match=r"there are 2; .* 15 % of its classes, so it needs at least 31; or"
    ) as told:
        check_measurable(recipe(), TRAINING, few)
    assert len(split_names([str(index) for index in range(31)], 0, "")["validation"]) == 5
    assert len(split_names([str(index) for index in range(30)], 0, "")["validation"]) == 4
    assert "--set validation.ways=2 'reports=[{ways: 2, shots: 1}]'" in str(told.value)
    check_measurable(recipe(validation=Validation(ways=2), reports=(Report(2, 1),)), TRAINING, few)
    with pytest.raises(DataError, match=r"there are 2$"):
        check_measurable(recipe(data=Data("strokes")), TRAINING, few)


def test_class_names_that_are_no_utf8_are_printed_and_drawn(initialization, tmp_path, monkeypatch, capsys):
    try:
        for index in range(14):
            write_class(tmp_path / "all" / f"{NO_UTF8}{index:02d}" / "drawn", 4, first_seed=10 * index)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    monkeypatch.setattr(mistakes, "LEAST_ASKED", 1)
    monkeypatch.setattr("training.measures.mistakes.LEAST_ASKED", 1)
    given = ["mistakes", str(initialization), "--dataset", "folder", "--data-dir", str(tmp_path / "all")]
    given += ["--ways", "2", "--queries", "2", "--episodes", "20", "--split", "train"]
    given += ["--svg", str(tmp_path / "out.svg"), "--json", str(tmp_path / "out.json")]
    sys.stdout.reconfigure(errors="strict")
    assert main(given) == 0
    assert "caf\\udce9" in capsys.readouterr().out
    assert "caf\\udce9" in (tmp_path / "out.svg").read_text()
    assert json.loads((tmp_path / "out.json").read_text())["groups"][0]["group"].startswith(NO_UTF8)


@pytest.mark.parametrize("command", ["calibrate", "ensemble"])
@pytest.mark.parametrize("at", ["card.json", "card.json/deeper"])
def test_a_folder_that_cannot_be_written_is_told_before_all_is_measured(initialization, command, at, capsys):
    assert main([command, str(initialization), "--out", str(initialization / at)]) == 2
    assert f"{initialization / at} cannot be written: {initialization / 'card.json'} is a file" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shots", "1", "0"], "--shots must be at least 1"),
        (["--ways", "1"], "--ways must be at least 2"),
        (["--episodes", "1"], "--episodes must be at least 2"),
    ],
)
def test_curves_refuses_numbers_before_it_reads_data(initialization, options, message, capsys):
    assert main(["curves", str(initialization), "--dataset", "none", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("rate", ["nan", "-1", "0", "inf"])
def test_curves_refuses_rates_that_are_none(initialization, rate, capsys):
    assert main(["curves", str(initialization), "--dataset", "none", "--rate", rate]) == 2
    assert capsys.readouterr().err == f"error: --rate must be a number above 0, not {rate}\n"


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--unpruned", "-5", "at least 0"), ("--timeout", "nan", "at least 0 seconds")],
)
def test_tune_refuses_numbers_that_make_no_sense_by_their_option(tmp_path, option, value, told, capsys):
    given = ["tune", "training/recipes/strokes.yaml", "--out", str(tmp_path / "search"), option, value]
    assert main(given) == 2
    assert capsys.readouterr().err == f"error: {option} must be {told}, not {value}\n"


def test_an_unknown_device_is_told_before_classes_are_loaded(monkeypatch, capsys):
    monkeypatch.setattr("training.commands.train.load_classes", None)
    assert main(["train", "training/recipes/strokes.yaml", "--device", "gpu"]) == 2
    assert "--device must be auto, cpu" in capsys.readouterr().err
