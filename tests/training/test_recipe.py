"""Recipes: read whole, overridden by key, refused with the key's name."""

from pathlib import Path

import pytest
import yaml

from training.recipe import RecipeError
from training.recipe_reading import read_recipe

RECIPES = Path(__file__).parents[2] / "training" / "recipes"


def written(tmp_path, **changes):
    values = yaml.safe_load((RECIPES / "strokes.yaml").read_text())
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(values | changes))
    return path


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_whole(path):
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert recipe.build_learner().backbone.side == recipe.build_preprocessing().side
    assert all(report.split == "validation" for report in recipe.reports)


def test_the_resolved_recipe_reads_back_equal(tmp_path):
    recipe = read_recipe(RECIPES / "characters.yaml")
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(recipe.as_dict()))
    assert read_recipe(tmp_path / "again.yaml") == recipe


def test_overrides_reach_nested_keys(tmp_path):
    recipe = read_recipe(
        written(tmp_path), ["outer.steps=7", "learner.rule.steps=2", "episodes.shots=[1, 4]", "jitter.shift=0.1"]
    )
    assert recipe.outer.steps == 7
    assert recipe.build_learner().rule.steps == 2
    assert recipe.episodes.shots == (1, 4)
    assert recipe.jitter.shift == 0.1


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "1.e-4", "+.1e-3"])
def test_numbers_may_be_written_with_an_exponent_alone(tmp_path, text):
    path = written(tmp_path)
    path.write_text(path.read_text().replace("rates_learning_rate: 0.003", f"rates_learning_rate: {text}"))
    recipe = read_recipe(path, [f"outer.learning_rate={text}", f"learner.rule.initial_rate={text}"])
    found = (recipe.outer.rates_learning_rate, recipe.outer.learning_rate)
    assert (*found, recipe.build_learner().rule.initial_rate) == (1e-4, 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("changes", "overrides", "message"),
    [
        ({"outter": {}}, [], "unknown key outter"),
        ({}, ["outer.stepps=3"], "unknown key outer.stepps; outer. takes tasks, steps"),
        ({}, ["outer.steps=many"], "outer.steps must be of type int, not 'many'"),
        ({}, ["outer.second_order=1"], "outer.second_order must be of type bool"),
        ({}, ["outer.precision=float16"], "one of float32, bfloat16"),
        ({}, ["outer.steps"], "--set takes key=value"),
        ({}, ["name.first=x"], "name is a single value"),
        ({}, ["name=a/b"], "name must be that of a folder, without any /, not 'a/b'"),
        ({}, ["name=.."], "name must be that of a folder"),
        ({}, ["learner.rule.moves=nothing"], "learner in the recipe does not fit.*0 steps"),
        (
            {},
            ["outer.warm_up_loss=classes", "learner.backbone.unit=true", "episodes.mixing=0.5"],
            "set episodes.mixing to 0",
        ),
        ({}, ["preprocessing.side=3"], "preprocessing in the recipe does not fit.*8 to 512"),
        ({}, ["episodes.shots=[1, 2, 3]"], "episodes.shots must have 2 entries"),
        ({"reports": [{"ways": 5, "shots": 1, "split": "test"}]}, [], "reports.*split must be one of validation"),
        ({"learner": 3}, [], "learner must be of type dict"),
        ({}, ["algorithm=[maml]"], "algorithm must be one of"),
        ({}, ["learner.head=prototype", "algorithm=maml"], "learner.head. must be a mapping"),
        ({}, ["outer.steps=[1"], r"--set 'outer\.steps=\[1'.*not valid YAML"),
        ({}, ["learner.backbone.width=0"], "learner.backbone.width must be at least 1"),
        ({}, ["learner.backbone.width=[8, 8, 8, 0]"], "learner.backbone.width must be at least 1"),
        ({}, ["learner.backbone.width=wide"], "learner.backbone.width must be of type int, not 'wide'"),
        ({}, ["learner.backbone.groups=0"], "learner.backbone.groups must be at least 1"),
        ({}, ["learner.backbone.normalisation=foo"], "learner.backbone.normalisation must be one of group"),
        ({}, ["learner.backbone.kind=[a]"], "learner in the recipe does not fit"),
        ({}, ["learner.backbone=conv4"], "learner.backbone. must be a mapping"),
        ({}, ["learner.tail=1"], "unknown key learner.tail"),
        ({}, ["learner.rule.steps=1.5"], "learner.rule.steps must be of type int"),
        ({}, ["learner.head.initial_scale=abc"], "learner.head.initial_scale must be of type float"),
        ({}, ["learner.head.initial_scale=-1"], "learner.head.initial_scale must be above 0"),
        ({}, ["preprocessing.side=42"], "preprocessing.side is 42 and learner.backbone.side is 28: .* both"),
        ({}, ["learner.backbone.channels=3"], "preprocessing.channels is 1 and learner.backbone.channels is 3"),
        ({}, ["preprocessing.side=28.5"], "preprocessing.side must be of type int"),
        ({}, ["preprocessing.margin=abc"], "preprocessing.margin must be of type float"),
        ({}, ["preprocessing.margin=-0.5"], "preprocessing.margin must be at least 0"),
        ({}, ["validation.within_group=0.5"], "validation.within_group must be 0 or 1, not 0.5"),
        ({}, ["validation.every=0"], "validation.every must be at least 1"),
        ({}, ["validation.episodes=0"], "validation.episodes must be at least 1"),
        ({}, ["structure.every=0"], "structure.every must be at least 1"),
        ({}, ["structure.steps=0"], "structure.steps must be at least 1"),
        ({}, ["structure.decisiveness=-1"], "structure.decisiveness must be at least 0"),
        ({}, ["structure.warm_up=1000"], "structure.warm_up must be below structure.steps, 1000, not 1000"),
        ({}, ["jitter.elastic=-1"], "jitter.elastic must be at least 0, not -1.0"),
        ({}, ["class_jitter.rotation=-5"], "class_jitter.rotation must be at least 0"),
        ({}, ["task_jitter.scale=1e4"], "task_jitter.scale must be at most 3, not 10000.0"),
        ({}, ["jitter.colour=1e6"], "jitter.colour must be at most 3"),
        ({}, ["class_jitter.colour=0.3"], "class_jitter.colour does nothing: .* set jitter.colour"),
        ({}, ["task_jitter.colour=0.3"], "task_jitter.colour does nothing: .* set jitter.colour"),
        ({}, ["episodes.ragged=true"], "episodes.ragged does nothing with one number of shots"),
        ({}, ["outer.steps=0"], "outer.steps must be at least 1"),
        ({}, ["outer.draws=1"], "outer.draws must be at least 2"),
        ({}, ["outer.learning_rate=-0.1"], "outer.learning_rate must be at least 0"),
        ({}, ["outer.rates_learning_rate=-0.1"], "outer.rates_learning_rate must be at least 0"),
        ({}, ["outer.learning_rate=.nan"], "outer.learning_rate must be a finite number"),
        ({}, ["outer.learning_rate=1e300"], "outer.learning_rate must be a finite number, and at most 3.4e"),
        ({}, [f"outer.clip=1{400 * '0'}"], "outer.clip must be a finite number, and at most 3.4e"),
        ({}, ["outer.learning_rate=1.5"], "outer.learning_rate must be at most 1.0, not 1.5"),
        ({}, ["outer.rates_learning_rate=2"], "outer.rates_learning_rate must be at most 1.0"),
        ({}, ["structure.learning_rate=2"], "structure.learning_rate must be at most 1.0"),
        ({}, ["outer.clip=-1.0"], "outer.clip must be above 0"),
        ({}, ["report_episodes=1"], "report_episodes must be at least 2"),
        ({}, ["calibration_tasks=0"], "calibration_tasks must be at least 1"),
        ({}, ["seed=99999999999999999999"], "seed must be at most 9223372036854775806"),
    ],
)
def test_faults_name_the_key(tmp_path, changes, overrides, message):
    with pytest.raises(RecipeError, match=message):
        read_recipe(written(tmp_path, **changes), overrides)


def test_a_missing_or_broken_file_is_told(tmp_path):
    with pytest.raises(RecipeError, match=r"there is no recipe.*characters\.yaml"):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(RecipeError, match="not valid YAML"):
        read_recipe(tmp_path / "bad.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(RecipeError, match=r"latin\.yaml is not a text in UTF-8"):
        read_recipe(tmp_path / "latin.yaml")
    (tmp_path / "short.yaml").write_text("name: x")
    with pytest.raises(RecipeError, match="lacks description"):
        read_recipe(tmp_path / "short.yaml")


@pytest.mark.parametrize(
    "text",
    ["9" * 5000, "2024-13-45", "!!float x", "!!bool x", "!!int ''", "!!timestamp x", "[" * 5000],
    ids=["digits", "date", "float", "bool", "int", "timestamp", "nested"],
)
def test_values_that_yaml_cannot_make_are_told_with_their_place(tmp_path, text):
    (tmp_path / "odd.yaml").write_text(f"name: {text}")
    with pytest.raises(RecipeError, match=r"odd\.yaml is not valid YAML: ") as fault:
        read_recipe(tmp_path / "odd.yaml")
    assert "sys." not in str(fault.value)
    with pytest.raises(RecipeError, match=r"--set .outer\.steps=.*is not valid YAML: ") as fault:
        read_recipe(written(tmp_path), [f"outer.steps={text}"])
    assert len(str(fault.value)) < 400


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(RecipeError, match=r"folder\.yaml cannot be read: Is a directory"):
        read_recipe(tmp_path / "folder.yaml")
