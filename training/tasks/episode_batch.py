"""Several few-shot tasks as one batch: support sets, queries, and where in the data set they come from."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from models.support import Support


@dataclass(frozen=True)
class EpisodeBatch:
    """T tasks.

    Attributes:
        support: their support sets, class by class; images in 0..1 as drawn, later the learner's input.
        query_images: float ``[T, Q, C, H, W]``, likewise.
        query_labels: int64 ``[T, Q]``.
        query_weights: float ``[T, Q]``, 1 for a query and 0 for padding (of a task with fewer ways than others).
        class_ids: int64 ``[T, N]``, which class of the data set each label stands for; -1 is padding, and
            numbers past the data set's are mixed or turned classes (``training.tasks.mixing``, ``turning``).
        support_places: int64 ``[T, S]``, which of the data set's images each support image is; 0 for padding.
        query_places: int64 ``[T, Q]``, the same for queries.
    """

    support: Support
    query_images: Tensor
    query_labels: Tensor
    query_weights: Tensor
    class_ids: Tensor
    support_places: Tensor
    query_places: Tensor

    @property
    def image_classes(self) -> Tensor:
        """Each image's class in ``class_ids``, support, then queries, ``[T, S + Q]``; arbitrary for padding."""
        return self.class_ids.gather(1, torch.cat([self.support.labels, self.query_labels], 1))

    @property
    def query_shares(self) -> Tensor:
        """Weights of the queries that sum to 1 in each task, float ``[T, Q]``: 0 for padding."""
        return self.query_weights / self.query_weights.sum(1, keepdim=True)

    @property
    def tasks(self) -> int:
        """T, the number of tasks."""
        return len(self.query_labels)

    def part(self, chosen: slice) -> "EpisodeBatch":
        """A slice of the tasks."""
        return self._map(lambda value: value[chosen])

    def twice(self) -> "EpisodeBatch":
        """All tasks, then all of them again."""
        return self._map(lambda value: torch.cat([value, value]))

    def to(self, device: torch.device) -> "EpisodeBatch":
        """Move all tensors to a device."""
        return self._map(lambda value: value.to(device))

    def _map(self, change: Callable[[Tensor], Tensor]) -> "EpisodeBatch":
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        of_support = values.pop("support")
        support = Support(**{one.name: change(getattr(of_support, one.name)) for one in fields(Support)})
        return EpisodeBatch(support=support, **{name: change(value) for name, value in values.items()})

    def map_images(self, change: Callable[[Tensor], Tensor]) -> "EpisodeBatch":
        """Apply ``change`` to all images, the support's and then the queries', ``[T, S + Q, C, H, W]``."""
        images = change(torch.cat([self.support.images, self.query_images], 1))
        support, queries = images.split([self.support.images.shape[1], self.query_images.shape[1]], 1)
        return replace(self, support=replace(self.support, images=support), query_images=queries)
