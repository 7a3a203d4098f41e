"""Runs of a second that end with an lda head on centred features."""

from models.backbones.staged import Staged
from models.heads import Head
from models.initialization import learner_as_dict
from models.inner_rule import InnerRule
from models.learner import Learner
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer_plan import Outer
from training.run.publication import publish_run
from training.run.trainer import Trainer

STAGES = ({"width": 8, "halving": "stride"}, {"width": 16, "halving": "stride"})
BACKBONE = Staged(1, 16, STAGES, unit=True, centred=True)
LEARNER = Learner(BACKBONE, Head("lda", 8.0), InnerRule("nothing", 0))
OUTER = Outer(tasks=2, steps=30, warm_up=25, warm_up_loss="classes", learning_rate=0.01)


def published(out, seed):
    """Train, and give the initialization's folder."""
    plan = recipe(learner=learner_as_dict(LEARNER), outer=OUTER, seed=seed, name=f"tiny{seed}")
    trainer = Trainer(plan, TRAINING, VALIDATION, out)
    trainer.run()
    folder = out / "initialization"
    publish_run(plan, trainer.best, trainer.progress, TRAINING, VALIDATION, folder)
    return folder
