"""A trainer that is interrupted at a step of the test's choice."""

import signal

from training.run.trainer import Trainer


class Interrupted(Trainer):
    """Gets a Ctrl-C while it does its ``at``-th step."""

    def __init__(self, *arguments, at):
        super().__init__(*arguments)
        self.at = at

    def _step(self, step, batch):
        if step + 1 == self.at:
            signal.raise_signal(signal.SIGINT)
        return super()._step(step, batch)
