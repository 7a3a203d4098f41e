"""All one-shot tasks of a batch, against each of them taken on its own."""

import pytest
import torch

from training.outer.pair_loss import pair_loss


def test_equals_the_mean_over_one_task_for_each_pair():
    generator = torch.Generator().manual_seed(0)
    classes = torch.tensor([0, 1, 0, 2, 2, 1, 0, 3])
    logits = torch.randn(8, 8, generator=generator, dtype=torch.float64)
    losses = []
    for query in range(8):
        others = [image for image in range(8) if classes[image] != classes[query]]
        for example in range(8):
            if example != query and classes[example] == classes[query]:
                task = logits[query, [example, *others]]
                losses.append(torch.nn.functional.cross_entropy(task, torch.tensor(0)))
    loss, _ = pair_loss(logits, classes)
    assert len(losses) == 10
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def test_accuracy_counts_images_whose_nearest_other_is_of_their_class():
    places = torch.tensor([0.0, 1.0, 1.2, 5.0, 5.1])
    logits = -(places[:, None] - places).square()
    _, accuracy = pair_loss(logits, torch.tensor([0, 0, 1, 1, 1]))
    assert accuracy == pytest.approx(3 / 5)
