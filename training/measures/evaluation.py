"""Measures a learner on tasks of classes that training never saw, inductively."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.cohort import Cohort
from models.confidence import familiarity
from models.images.preprocessing import Preprocessing
from models.learner import BODY, HEAD, Learner, part
from models.support import Support
from models.support_geometry import SupportGeometry
from training.datasets.class_images import ClassImages
from training.measures.measured import Measured, Protocol
from training.progress import bar
from training.tasks.episode_batch import EpisodeBatch
from training.tasks.episodes import EpisodeSampler

_IMAGES_AT_ONCE = 1000


def measure(
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    classes: ClassImages,
    protocol: Protocol,
    *,
    draw: Callable[[Sequence[int]], EpisodeBatch] | None = None,
    inner_steps: int | None = None,
    features: Tensor | None = None,
    progress: bool = False,
) -> Measured:
    """Adapt to each task's support set and answer its queries, each independently of the others.

    Args:
        learner: the composition.
        phi: its parameters.
        preprocessing: for the levels that ``classes`` holds.
        classes: classes that training never saw.
        protocol: of the tasks.
        draw: gives the tasks of these numbers; None for the protocol's own.
        inner_steps: None for the learner's own number; 0 not to adapt.
        features: of the images of these tasks, as ``embedded`` returns them, to save computing them again.
        progress: whether to show progress bars.

    Raises:
        DataError: if classes, groups or images do not suffice.
    """
    drawn = draw or sampler_of(classes, protocol).episodes
    kept = features
    if kept is None:
        kept = embedded(learner, phi, preprocessing, classes, protocols=[protocol], progress=progress)
    at_once = max(1, _IMAGES_AT_ONCE // (protocol.ways * (protocol.shots + protocol.queries)))
    parts: list[tuple[Tensor, ...]] = []
    geometry: list[SupportGeometry] = []
    shown = bar(protocol.episodes, protocol.describe(), "task", shown=progress, leave=False)
    device = next(iter(phi.values())).device
    own, cohort = protocol.ways * protocol.queries, Cohort(learner.head, part(phi, HEAD))
    with shown, torch.no_grad():
        for first in range(0, protocol.episodes, at_once):
            numbers = range(first, min(first + at_once, protocol.episodes))
            batch = _without_strangers(drawn(numbers), protocol).to(device)
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
            shown.update(len(right))
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
    """Make the sampler of a protocol's tasks; the last classes of each are its strangers.

    Raises:
        DataError: if classes, groups or images do not suffice.
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
    """Compute features ``[M, D]`` of images that many tasks use; None if an image's features depend on the task.

    Args:
        learner: the composition.
        phi: its parameters.
        preprocessing: for the levels that ``classes`` holds.
        classes: M images.
        protocols: of the tasks that will use the features; rows of images that no task uses may be NaN. Without
            protocols, all images are embedded.
        progress: whether to show a progress bar.

    Raises:
        DataError: before anything is embedded, if classes, groups or images do not suffice for the protocols.
    """
    if not learner.keeps_features:
        return None
    device = next(iter(phi.values())).device
    places = _asked_for(classes, protocols) if protocols else torch.arange(len(classes.images))
    features = torch.full((len(classes.images), learner.backbone.features), torch.nan, device=device)
    shown = bar(len(places), "embedding", "image", shown=progress, leave=False)
    with shown, torch.no_grad():
        embed = learner.embedding(part(phi, BODY))
        for chunk in places.split(_IMAGES_AT_ONCE // 4):
            features[chunk] = embed(preprocessing.normalise(classes.images[chunk].to(device)))
            shown.update(len(chunk))
    return features


def _asked_for(classes: ClassImages, protocols: Sequence[Protocol]) -> Tensor:
    """Sorted places of the images that the protocols' tasks use; all places if these might use as many images."""
    pixels = replace(classes, images=classes.images[..., :1, :1])  # so that drawing copies next to nothing
    samplers = [sampler_of(pixels, one) for one in protocols]
    most = sum(one.episodes * (one.ways + one.strangers) * (one.shots + one.queries) for one in protocols)
    if most >= len(classes.images):
        return torch.arange(len(classes.images))
    batches = [sampler.episodes(range(one.episodes)) for sampler, one in zip(samplers, protocols, strict=True)]
    drawn = [torch.cat([one.support_places, one.query_places], 1).flatten() for one in batches]
    places: Tensor = torch.cat(drawn).unique()
    return places


def _without_strangers(batch: EpisodeBatch, protocol: Protocol) -> EpisodeBatch:
    """Remove the strangers, a task's last classes, from its support set; their queries stay."""
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
