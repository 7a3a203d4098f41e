"""The loss and accuracy of each outer step, recorded one step late."""

from torch import Tensor

from training.run.board import Board


class ToldFigures:
    """Writes the loss and accuracy of each step to TensorBoard once the next step has been launched.

    Reading a figure waits for the GPU that computes it, which meanwhile gets no new work. By the time the next
    step has been launched, the previous one is done.

    Attributes:
        loss: of the last step recorded, as a progress bar shows it.
    """

    def __init__(self, board: Board | None) -> None:
        """Take the board to write to; None for none."""
        self._board = board
        self._waiting: tuple[int, Tensor] | None = None
        self.loss = "none yet"

    def put(self, step: int, figures: Tensor) -> None:
        """Take a step's loss and accuracy ``[2]``, and record those of the previous step."""
        self.tell()
        self._waiting = step, figures

    def tell(self) -> None:
        """Record the figures that are waiting, if any."""
        if self._waiting is None:
            return
        step, figures = self._waiting
        self._waiting = None
        loss, accuracy = figures.tolist()
        self.loss = f"{loss:.3f}"
        if self._board is not None:
            self._board.add_scalar("training/query_loss", loss, step)
            self._board.add_scalar("training/query_accuracy", accuracy, step)
