"""A small space of structures, and a search in it of a second."""

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.initialization import learner_as_dict
from models.inner_rule import InnerRule
from models.learner import Learner
from tests.training.tiny_run import recipe
from training.outer_plan import Outer
from training.structure.space import Space
from training.structure_plan import StructureSearch

SPACE = Space(1, 16, (1, 3, 5), ((8, 16), (16, 24), (8,)), (1, 4, 0), (False, True))
PLAN = StructureSearch(
    kernels=(1, 3),
    widths=((4, 8), (4, 8, 16), (8, 16)),
    groups=(1, 4, 0),
    steps=6,
    warm_up=2,
    tasks=2,
    structure_tasks=3,
    every=2,
)


def plan(**changes):
    """A recipe to search with."""
    learner = Learner(Conv4(1, 16, 8, "stride", groups=4), Head("prototype"), InnerRule("all", 1, "one", 0.05))
    values = {"learner": learner_as_dict(learner), "structure": PLAN, "outer": Outer(tasks=2, steps=4)}
    return recipe(**(values | changes))
