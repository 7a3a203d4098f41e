"""A card tells how well low accuracies are foreseen: of tasks whose classes are one and the same."""

import functools

from models.heads import Head
from models.inner_rule import InnerRule
from models.learner import Learner
from tests.training.tiny_run import noisy_classes, recipe
from training.commands.table import card_table
from training.measures.assessment import assess

PLAN = recipe()
ADAPTING, PREPROCESSING = PLAN.build_learner(), PLAN.build_preprocessing()
# Without inner steps, features are computed once.
STILL = Learner(ADAPTING.backbone, Head("prototype"), InnerRule("nothing", 0))


@functools.cache
def assessed(images, learner=STILL):
    classes = noisy_classes(12, seed=3, images=images)
    return assess(learner, learner.initial(seed=0), PREPROCESSING, classes, [], 50, 20).facts


def test_of_all_and_of_some_classes_at_the_shots_that_the_images_allow():
    rows = assessed(images=40)["alike"]
    assert [(row["one_and_the_same"], row["shots"]) for row in rows] == [
        ("all", 1),
        ("all", 5),
        ("some", 1),
        ("some", 5),
    ]
    for row in rows:
        assert row["ways"] == 5
        assert row["queries"] == 8 - row["shots"]
        assert row["episodes"] == 50
        if row["one_and_the_same"] == "all":
            assert 0.15 < row["accuracy"] < 0.25
        else:
            assert 0.25 < row["accuracy"] < 0.55
        assert row["estimate"]["error"] < 0.25
    rows = assessed(images=20, learner=ADAPTING)["alike"]
    assert [row["shots"] for row in rows] == [1, 1]
    assert rows[0]["accuracy"] < rows[1]["accuracy"]
    assert [row["ways"] for row in assessed(images=12)["alike"]] == [3, 3]
    assert assessed(images=7)["alike"] == []


def test_the_table_tells_them():
    facts = assessed(images=40)
    lines = card_table({"evaluation": [], "alike": facts["alike"]}).splitlines()
    row = facts["alike"][1]
    assert lines[2].startswith("5-way 5-shot, all classes one and the same")
    assert f"{100 * row['accuracy']:.2f}% right" in lines[2]
    assert f"off by {100 * row['estimate']['error']:.1f} points" in lines[2]
    assert len(card_table({"evaluation": []}).splitlines()) == 1, "older cards tell nothing of it"
