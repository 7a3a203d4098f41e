"""The operations that structures take: expected over the choices, and limited by a budget."""

import itertools

import torch
from torch import Tensor

from models.backbones.backbone import STRUCTURE, Params
from training.structure.space import AXES, Choices, Space, parameter

_SHIFT = 0.02  # the most that a step moves a logit


def expected_operations(space: Space, probabilities: list[Choices]) -> Tensor:
    """Mean of ``Staged.operations`` over structures drawn with these probabilities, each choice independently."""
    total = torch.zeros(())
    inputs = torch.tensor(float(space.channels))
    for stage, (choices, side) in enumerate(zip(probabilities, space.sides(), strict=True)):
        width, skip = (_mean(space, stage, axis, choices) for axis in ("width", "skip"))
        taps = _mean(space, stage, "kernel", choices, power=2)
        total = total + 2 * side**2 * inputs * width * (taps + skip)
        inputs = width
    return total


def to_budget(space: Space, structure: Params, budget: int) -> Params:
    """Shift the structure's logits until the expected operations keep to a budget.

    Each step lowers each logit in proportion to what its option costs, which multiplies its probability by an
    exponential of that cost (exponentiated gradient, Kivinen and Warmuth 1997), so that among equally likely
    options the cheaper ones win. A penalty in the loss would act through Adam, whose normaliser would remember
    the penalty's large gradients for long.

    Args:
        space: of the structures.
        structure: logits as ``Space.undecided`` names them; other parameters are ignored.
        budget: operations for one image.

    Returns:
        The shifted logits, under the same names.

    Raises:
        ValueError: if even the cheapest structure takes more; the message says how many.
    """
    held = {name: value.detach().clone() for name, value in structure.items() if name.startswith(STRUCTURE)}
    cheapest = [
        {axis: _certain(space, stage, axis).to(device=next(iter(held.values())).device) for axis in AXES}
        for stage in range(len(space.widths))
    ]
    if (least := expected_operations(space, cheapest).item()) > budget:
        raise ValueError(f"the cheapest structure takes {least:.0f} operations, the budget is {budget}")
    while True:
        probabilities = space.probabilities(held)
        for choices in probabilities:
            for value in choices.values():
                value.requires_grad_()
        operations = expected_operations(space, probabilities)
        if operations <= budget:
            return held
        operations.backward()
        costs = {
            parameter(stage, axis): value.grad
            for stage, choices in enumerate(probabilities)
            for axis, value in choices.items()
            if value.grad is not None
        }
        largest = max(float(cost.max() - cost.min()) for cost in costs.values())
        for key, cost in costs.items():
            held[key] -= _SHIFT * (cost - cost.min()) / largest


def likeliest(space: Space, probabilities: list[Choices], budget: int) -> list[dict[str, int]]:
    """The likeliest structure of all that take at most ``budget`` operations, as ``Space.backbone`` takes it.

    All are compared, which is feasible since a stage's cost depends only on its choices and the width before it.

    Raises:
        ValueError: if even the cheapest takes more; the message says how many.
    """
    stages = range(len(space.widths))
    logs = [
        {axis: value.detach().double().clamp_min(1e-300).log() for axis, value in one.items()}
        for one in probabilities
    ]
    best, best_log, cheapest = None, -float("inf"), float("inf")
    for widths in itertools.product(*(range(len(options)) for options in space.widths)):
        inputs, of_widths = space.channels, 0.0
        operations, likely = torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        for stage, side in zip(stages, space.sides(), strict=True):
            width = space.widths[stage][widths[stage]]
            of_widths += float(logs[stage]["width"][widths[stage]])
            taps = torch.tensor([k**2 + s for k in space.kernels for s in space.skips], dtype=torch.float64)
            log = (logs[stage]["kernel"][:, None] + logs[stage]["skip"]).flatten()
            operations = (operations[:, None] + 2 * side**2 * inputs * width * taps).flatten()
            likely = (likely[:, None] + log).flatten()
            inputs = width
        cheapest = min(cheapest, float(operations.min()))
        allowed = torch.where(operations <= budget, likely, -float("inf"))
        place = int(allowed.argmax())
        if float(allowed[place]) + of_widths > best_log:
            best_log = float(allowed[place]) + of_widths
            best = [
                {
                    "kernel": pair // len(space.skips),
                    "width": width,
                    "groups": int(log["groups"].argmax()),
                    "skip": pair % len(space.skips),
                }
                for pair, width, log in zip(_digits(place, space), widths, logs, strict=True)
            ]
    if best is None:
        raise ValueError(f"the cheapest structure takes {cheapest:.0f} operations, the budget is {budget}")
    return best


def _digits(place: int, space: Space) -> list[int]:
    """Convert a place among all combinations of the stages' (kernel, skip) pairs into each stage's pair."""
    pairs = len(space.kernels) * len(space.skips)
    return [place // pairs ** (len(space.widths) - 1 - stage) % pairs for stage in range(len(space.widths))]


def _certain(space: Space, stage: int, axis: str) -> Tensor:
    """Probabilities with which an axis takes its cheapest option for certain."""
    options = torch.tensor(space.options(stage, axis))
    return torch.nn.functional.one_hot(options.argmin(), len(options)).float()


def _mean(space: Space, stage: int, axis: str, choices: Choices, power: int = 1) -> Tensor:
    options = torch.tensor([float(option) ** power for option in space.options(stage, axis)])
    return (choices[axis] * options.to(choices[axis])).sum()
