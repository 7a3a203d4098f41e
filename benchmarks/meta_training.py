"""Rows on meta-training: tasks per second of one outer gradient, ours against learn2learn's."""

from dataclasses import dataclass, replace

import torch
from torch.nn.functional import cosine_similarity

from benchmarks.machine import has_gpu
from benchmarks.outer_gradients import OmniglotMaml, Ours, PlainMaml, initial, work_of_task
from benchmarks.outer_settings import Setting
from benchmarks.peak import copy_bandwidth
from benchmarks.race import Contender, Timed, race
from benchmarks.report import Row, span_of
from benchmarks.where_time_goes import spent
from training.outer.precision import has_bfloat16_products
from training.run.allocation import keep_freed_memory

_MEASURE = "tasks/s"
_LEAST_COSINE = 0.9999


def measure(setting: Setting, rounds: int, turn: float) -> list[Row]:
    """Race the implementations of one outer gradient.

    Below float32, learn2learn takes part in both precisions, because the lower one is not always the faster.
    """
    if lacking := _lacking(setting):
        return [Row(setting.name, _MEASURE, lacking, target=f"{setting.times:g}x")]
    keep_freed_memory()  # as the train command does; learn2learn, in the same process, benefits too
    phi, batch = initial(setting), setting.batch(setting.tasks)
    full = replace(setting, precision="float32")
    ours, reference = Ours(setting, phi, batch), PlainMaml(full, phi, batch)
    contenders = [
        Contender("Metashot", ours.step, setting.tasks),
        Contender("learn2learn, float32", reference.step, setting.tasks),
    ]
    if setting.precision != "float32":
        same = PlainMaml(setting, phi, batch)
        contenders.append(Contender(f"learn2learn, {setting.precision}", same.step, setting.tasks))
    if setting.beside_omniglot_cnn:
        cnn = OmniglotMaml(setting, batch)
        contenders.append(Contender("learn2learn, its OmniglotCNN", cnn.step, setting.tasks))
    cosine = cosine_similarity(ours.gradient().double(), reference.gradient().double(), dim=0)
    profiled = spent(ours.step)
    timed = race(contenders, rounds=rounds, turn=turn)
    work = work_of_task(full)
    floor, seconds = work.floor(setting), timed[0].median
    told = profiled.told(setting.tasks * seconds, setting.tasks * floor, copy_bandwidth())
    facts = _Facts(work.flops, floor, told)
    of_peak = timed[0].rate * facts.floor
    rows = []
    for other in timed[1:]:
        comparable = "OmniglotCNN" not in other.name
        rows.append(_against(setting, timed[0], other, facts, float(cosine) if comparable else None))
    if setting.least_of_peak is not None:
        rows.append(
            Row(
                setting.name,
                "fraction of the convolution peak",
                "",
                ours=of_peak,
                target=f"over {setting.least_of_peak:.0%}",
                met=of_peak > setting.least_of_peak,
                flops=facts.flops,
                of_peak=of_peak,
                spent=facts.spent,
            )
        )
    return rows


def _lacking(setting: Setting) -> str:
    """What this machine lacks to measure the setting; empty if nothing."""
    if setting.device == "cuda" and not has_gpu():
        return "no GPU here"
    if setting.precision == "bfloat16" and not has_bfloat16_products(torch.device(setting.device)):
        return "no bfloat16 products here"
    return ""


@dataclass(frozen=True)
class _Facts:
    """Of one setting: a task's operations, their seconds at the peak, and where our time goes."""

    flops: float
    floor: float
    spent: str


def _against(setting: Setting, ours: Timed, theirs: Timed, facts: _Facts, cosine: float | None) -> Row:
    same = cosine is None or cosine > _LEAST_COSINE
    return Row(
        setting.name,
        _MEASURE,
        theirs.name,
        ours=ours.rate,
        theirs=theirs.rate,
        target=f"{setting.times:g}x" + ("" if cosine is None else f", cosine over {_LEAST_COSINE}"),
        met=ours.rate >= setting.times * theirs.rate and same,
        span=span_of(theirs.seconds, ours.seconds),
        flops=facts.flops,
        of_peak=ours.rate * facts.floor,
        target_of_peak=setting.times * theirs.rate * facts.floor,
        spent=facts.spent,
        cosine=cosine,
    )
