"""The processes of one run: one alone, or several that ``torchrun`` started, on one machine or more."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Processes:
    """How many processes share a run, and which of them this is.

    Attributes:
        rank: of this process; the first, 0, writes checkpoints and shows progress.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes checkpoints and shows progress."""
        return self.rank == 0

    def share(self, tasks: int) -> slice:
        """This process's share of a step's tasks."""
        return slice(self.rank * tasks // self.size, (self.rank + 1) * tasks // self.size)

    def add_up(self, values: Sequence[Tensor]) -> None:
        """Replace each tensor, in place, by its sum over all processes, in one message."""
        if self.size == 1 or not values:
            return
        flat = torch.cat([value.detach().flatten() for value in values])
        distributed.all_reduce(flat)
        for value, total in zip(values, flat.split([value.numel() for value in values]), strict=True):
            value.copy_(total.view_as(value))

    def any(self, wanted: bool, device: torch.device) -> bool:
        """Whether ``wanted`` is true in any process; all get the same answer."""
        total = torch.tensor(float(wanted), device=device)
        self.add_up([total])
        return wanted if self.size == 1 else bool(total > 0)

    def take_firsts(self, values: Sequence[Tensor]) -> None:
        """Replace the tensors of every process, in place, by those of the first."""
        if self.size > 1:
            for value in values:
                distributed.broadcast(value, src=0)


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started; without it there is only this one."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield Processes()
        return
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def choose_device(wanted: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` into a device, and make a GPU torch's current one.

    Without an N, each local process gets a GPU of its own.

    Raises:
        ValueError: for any other name, or a device that torch does not find here.
    """
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", wanted):
        raise ValueError(f"--device must be auto, cpu, cuda or cuda:N, not {wanted!r}")
    device = torch.device(wanted)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise ValueError(f"--device {wanted}: torch finds no GPU here; use --device cpu")
        if (device.index or 0) >= torch.cuda.device_count():
            raise ValueError(f"--device {wanted}: torch finds {torch.cuda.device_count()} GPUs, counted from 0")
        if device.index is None:
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    return device
