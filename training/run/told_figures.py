"""What each outer step gave, written down one step late."""

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter


class ToldFigures:
    """Writes the loss and accuracy of each step to TensorBoard when the next step is under way.

    To read a figure takes to wait for the GPU that computes it, and meanwhile nothing new would be given to it.
    Of the step before, the GPU is done when the next one has been handed over.

    Attributes:
        loss: of the last step that was told of, as a progress bar shows it.
    """

    def __init__(self, board: SummaryWriter | None) -> None:
        """Take where to write; None for nowhere."""
        self._board = board
        self._waiting: tuple[int, Tensor] | None = None
        self.loss = "none yet"

    def put(self, step: int, figures: Tensor) -> None:
        """Take a step's loss and accuracy ``[2]``, and tell of the step before."""
        self.tell()
        self._waiting = step, figures

    def tell(self) -> None:
        """Tell of what waits."""
        if self._waiting is None:
            return
        step, figures = self._waiting
        self._waiting = None
        loss, accuracy = figures.tolist()
        self.loss = f"{loss:.3f}"
        if self._board is not None:
            self._board.add_scalar("training/query_loss", loss, step)
            self._board.add_scalar("training/query_accuracy", accuracy, step)
