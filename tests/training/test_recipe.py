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
    (tmp_path / "short.yaml").write_text("name: x")
    with pytest.raises(RecipeError, match="lacks description"):
        read_recipe(tmp_path / "short.yaml")
