"""What ``compare`` cannot do is told in one line, before anything is written."""

import pytest

from tests.training.tiny_comparison import TINY
from training.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no plan nowhere"),
        (["strokes", "--set", "name=../x"], "name must be that of a folder, without any /, not '../x'"),
        (["strokes", "--set", "training.supervised_learning_rate=2"], "supervised_learning_rate must be 0 to 1"),
        (["strokes", "--algorithms", "mamba"], "there is no algorithm 'mamba'"),
        (["strokes", "--set", "backbone.normalisation=support"], "must be group"),
        (["strokes", "--set", "backbone.width=7"], "do not fit"),
        (["strokes", "--set", "tasks.compared_shots=[3]"], "some of tasks.shots"),
        (["strokes", "--set", "tasks.episodes=1"], "at least 2"),
        (["strokes", "--set", "classes=[2]"], "at least tasks.ways"),
        (["strokes", "--set", "training.images=10"], "one outer step"),
        (["strokes", "--set", "choice.rates=[0]"], "must be positive"),
        (["strokes", "--set", "colour=red"], "the plan takes name"),
        (["strokes", "--set", "data.name=omniglut"], "there is no data set"),
        (["strokes", "--set", "data={name: strokes, strokes: 8, development: 6}"], "8 training classes"),
        (["strokes", "--set", "training.tasks=0"], "must be at least 1"),
        (["strokes", "--set", "algorithms=[]"], "algorithms needs at least one entry"),
        (["strokes", "--set", "inner_steps=[]"], "inner_steps needs at least one entry"),
        (["strokes", "--set", "inner_steps=[1, 1]"], "inner_steps must name each entry once"),
        (["strokes", "--set", "choice.steps=[5, 5]"], "choice.steps must name each entry once"),
        (["strokes", "--set", "tasks.shots=[1, 5, 1]"], "tasks.shots must name each entry once"),
        (["strokes", "--set", "choice.rates=[]"], "choice.rates needs at least one entry"),
        (["strokes", "--set", "choice.penalties=[]"], "choice.penalties needs at least one entry"),
        (["strokes", "--set", "choice.scratch_steps=[]"], "choice.scratch_steps needs at least one entry"),
        (["strokes", "--set", "backbone.width=wide"], "backbone.width must be of type int"),
        (["strokes", "--set", "backbone.groups=0"], "do not fit"),
        (["strokes", "--set", "seed=-1"], "seed must be 0 to"),
        ([*TINY, "tasks.shots=[1, 2, 19]"], "19 shots and 2 queries take 21 images"),
        (["strokes", "--fill", "nope.md"], "there is no document nope.md"),
        (["strokes", "--threads", "-1"], "--threads must be at least 1"),
        (["strokes", "--device", "gpu"], "--device must be auto, cpu, cuda or cuda:N"),
        ([*TINY, "--resume"], "nothing to resume"),
    ],
)
def test_faults_are_one_line_that_says_what_to_do(arguments, message, tmp_path, capsys):
    assert main(["compare", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert not (tmp_path / "out").exists()
