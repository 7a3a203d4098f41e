"""Measures a learner on tasks of classes that training never saw, inductively."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from tqdm import tqdm

from models.backbones.backbone import Params
from models.cohort import Cohort
from models.confidence import familiarity
from models.images.preprocessing import Preprocessing
from models.learner import BODY, HEAD, Learner, part
from models.support import Support
from models.support_geometry import SupportGeometry
from training.datasets.class_images import ClassImages
from training.measures.measured import Measured, Protocol
from training.tasks.episodes import EpisodeBatch, EpisodeSampler

_IMAGES_AT_ONCE = 1000


def measure(
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    classes: ClassImages,
    protocol: Protocol,
    *,
    inner_steps: int | None = None,
    features: Tensor | None = None,
    progress: bool = False,
) -> Measured:
    """Adapt to each task's support set and answer its queries; no query informs another's answer.

    Args:
        learner: the composition.
        phi: its parameters.
        preprocessing: for the levels that ``classes`` holds.
        classes: that training never saw.
        protocol: of the tasks.
        inner_steps: None for the learner's own number; 0 not to adapt.
        features: of the images of these tasks, as ``embedded`` gives them, to spare computing them again.
        progress: show bars.
    """
    sampler = sampler_of(classes, protocol)
    kept = features
    if kept is None:
        kept = embedded(learner, phi, preprocessing, classes, protocols=[protocol], progress=progress)
    at_once = max(1, _IMAGES_AT_ONCE // (protocol.ways * (protocol.shots + protocol.queries)))
    parts: list[tuple[Tensor, ...]] = []
    geometry: list[SupportGeometry] = []
    bar = tqdm(total=protocol.episodes, desc=protocol.describe(), unit="task", disable=not progress, leave=False)
    device = next(iter(phi.values())).device
    own, cohort = protocol.ways * protocol.queries, Cohort(learner.head, part(phi, HEAD))
    with bar, torch.no_grad():
        for first in range(0, protocol.episodes, at_once):
            numbers = range(first, min(first + at_once, protocol.episodes))
            batch = _without_strangers(sampler.episodes(numbers), protocol).to(device)
            if kept is None:
                batch = batch.map_images(preprocessing.normalise)
                theta = learner.adapt(phi, batch.support, steps=inner_steps)
                of_support = learner.features(theta, batch.support.images)
                of_queries = learner.features(theta, batch.query_images)
            else:
                of_support = kept[batch.support_places]
                theta = learner.adapt(phi, batch.support, features=of_support, steps=inner_steps)
                of_queries = kept[batch.query_places]
            logits = learner.logits(theta, of_queries[:, :own])
            labels = batch.query_labels[:, :own]
            means = cohort.means(of_support, batch.support)
            familiar = familiarity(cohort.seen(of_queries), means, cohort.strangers)
            right = (logits.argmax(-1) == labels).double().mean(1)
            ids = batch.class_ids[:, : protocol.ways]
            found = (right, logits, labels, ids, familiar[:, :own], familiar[:, own:])
            parts.append(tuple(one.cpu() for one in found))
            geometry.append(SupportGeometry.of(of_support, batch.support).cpu())
            bar.update(len(right))
    accuracies, all_logits, all_labels, class_ids, familiarities, strange = (
        torch.cat(column) for column in zip(*parts, strict=True)
    )
    return Measured(
        protocol=protocol,
        accuracies=accuracies,
        logits=all_logits,
        labels=all_labels,
        class_ids=class_ids,
        familiarities=familiarities,
        strange=strange,
        geometry=tuple(geometry),
        outline=classes.outline,
    )


def sampler_of(classes: ClassImages, protocol: Protocol) -> EpisodeSampler:
    """Draws a protocol's tasks, each with its strangers as its last classes.

    Raises:
        DataError: where classes, groups or images do not suffice.
    """
    return EpisodeSampler(
        classes,
        ways=protocol.ways + protocol.strangers,
        shots=protocol.shots,
        queries=protocol.queries,
        seed=protocol.seed,
        within_group=float(protocol.within_group),
        same_drawers=protocol.same_drawers,
    )


def embedded(
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    classes: ClassImages,
    *,
    protocols: Sequence[Protocol] = (),
    progress: bool = False,
) -> Tensor | None:
    """Features ``[M, D]`` of images for which many tasks ask; None where they depend on the task.

    Args:
        learner: the composition.
        phi: its parameters.
        preprocessing: for the levels that ``classes`` holds.
        classes: M images.
        protocols: of the tasks that will ask: where they take fewer than all images, the rows of others are no
            numbers. Without any, all images are embedded.
        progress: show a bar.

    Raises:
        DataError: where classes, groups or images do not suffice for the protocols, before anything is embedded.
    """
    if not learner.keeps_features:
        return None
    device = next(iter(phi.values())).device
    places = _asked_for(classes, protocols) if protocols else torch.arange(len(classes.images))
    features = torch.full((len(classes.images), learner.backbone.features), torch.nan, device=device)
    bar = tqdm(total=len(places), desc="embedding", unit="image", disable=not progress, leave=False)
    with bar, torch.no_grad():
        embed = learner.embedding(part(phi, BODY))
        for chunk in places.split(_IMAGES_AT_ONCE // 4):
            features[chunk] = embed(preprocessing.normalise(classes.images[chunk].to(device)))
            bar.update(len(chunk))
    return features


def _asked_for(classes: ClassImages, protocols: Sequence[Protocol]) -> Tensor:
    """Which images tasks of these protocols take, in order; where they might take all, none are drawn."""
    pixels = replace(classes, images=classes.images[..., :1, :1])  # a draw copies next to nothing
    samplers = [sampler_of(pixels, one) for one in protocols]
    most = sum(one.episodes * (one.ways + one.strangers) * (one.shots + one.queries) for one in protocols)
    if most >= len(classes.images):
        return torch.arange(len(classes.images))
    batches = [sampler.episodes(range(one.episodes)) for sampler, one in zip(samplers, protocols, strict=True)]
    drawn = [torch.cat([one.support_places, one.query_places], 1).flatten() for one in batches]
    places: Tensor = torch.cat(drawn).unique()
    return places


def _without_strangers(batch: EpisodeBatch, protocol: Protocol) -> EpisodeBatch:
    """Take the strangers, the last of a task's classes, out of its support set; their queries stay."""
    if not protocol.strangers:
        return batch
    own = protocol.ways * protocol.shots
    support = Support(
        images=batch.support.images[:, :own],
        labels=batch.support.labels[:, :own],
        weights=batch.support.weights[:, :own],
        ways=torch.full_like(batch.support.ways, protocol.ways),
    )
    return replace(batch, support=support, support_places=batch.support_places[:, :own])
