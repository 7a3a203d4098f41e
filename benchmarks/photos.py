"""Rows of what dominates a request with photos: the features of its images, by the shipped ensemble."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

from benchmarks.peak import core_peak
from benchmarks.plain_network import BODY
from benchmarks.plain_staged import PlainStaged
from benchmarks.race import Contender, race
from benchmarks.report import Row, span_of
from benchmarks.threads import one_thread
from models.backbone import Params, part
from models.depths import joined
from models.ensemble import Ensemble
from models.initialization import load, shipped
from models.staged import Staged

MODEL = "photos"
_SIZES = (1, 25)  # a query by itself; the support set of 5 ways and 5 shots


class PlainEnsemble(nn.Module):
    """The networks that an ``Ensemble`` joins, in torch's own modules."""

    def __init__(self, ensemble: Ensemble, phi: Params) -> None:
        """Copy the parameters ``body.*`` of phi.

        Raises:
            TypeError: for members other than stages, which alone have a plain network that can be joined.
        """
        super().__init__()
        members: list[PlainStaged] = []
        for at, one in ensemble.named():
            if not isinstance(one, Staged):
                raise TypeError(f"there is no plain ensemble of {type(one).__name__}")
            of_member = part(phi, f"{BODY}{at}")
            members.append(PlainStaged(one, {f"{BODY}{name}": value for name, value in of_member.items()}))
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor) -> Tensor:
        """Features ``[B, D]`` of images ``[B, C, H, W]``."""
        return joined([one(images) for one in self.members])


def rows(rounds: int, turn: float) -> list[Row]:
    """Race our pass over photos and torch's, on one thread as the service does it."""
    initialization = load(shipped()[MODEL])
    ensemble = initialization.learner.backbone
    if not isinstance(ensemble, Ensemble):
        raise TypeError(f"{MODEL} is {type(ensemble).__name__}, no ensemble")
    plain = PlainEnsemble(ensemble, initialization.phi).eval()

    def run(size: int) -> Row:
        images = torch.rand(size, ensemble.channels, ensemble.side, ensemble.side)
        with one_thread(), torch.no_grad():
            ours, theirs = race(
                [
                    Contender("ours", _of(initialization.embedding, images), size),
                    Contender("plain", _of(plain, images), size),
                ],
                rounds=rounds,
                turn=turn,
            )
        return Row(
            f"engine: features of {size} photo{'s' if size > 1 else ''}, one thread",
            "ms an image",
            "torch's modules",
            ours=1000 * ours.median,
            theirs=1000 * theirs.median,
            span=span_of(ours.seconds, theirs.seconds),
            flops=ensemble.operations,
            of_peak=ensemble.operations / ours.median / core_peak(),
        )

    with ThreadPoolExecutor(1) as pool:
        return list(pool.map(run, _SIZES))


def _of(network: Callable[[Tensor], Tensor], images: Tensor) -> Callable[[], Tensor]:
    return lambda: network(images)
