"""Heads under autocast: a logit is a small difference of large products, which bfloat16 would lose."""

import pytest
import torch

from models.class_scatter import of_classes
from models.heads import Head, classify, head_gradient
from models.support import Support

FEATURES = 12


@pytest.mark.parametrize(
    "head", [*map(Head, ("prototype", "shared", "ridge", "svm", "lda")), Head("lda", pull=1.0)]
)
def test_autocast_changes_nothing(head):
    generator = torch.Generator().manual_seed(0)
    support = Support.of_task(torch.zeros(6, 1, 1, 1), torch.arange(6) % 3)
    phi, mask = head.initial(FEATURES, generator), support.class_mask()
    if head.kind == "lda":
        phi |= of_classes(torch.randn(30, FEATURES, generator=generator), torch.arange(30) % 10)
    examples, queries = (5 + torch.randn(1, count, FEATURES, generator=generator) for count in (6, 7))

    def found():
        start = head.start(phi, examples, support)
        gradient = head_gradient(start, examples, mask, support.labels, support.balanced_weights())
        return [*start.values(), classify(start, queries, mask), *gradient.values()]

    plain = found()
    with torch.autocast("cpu", torch.bfloat16):
        assert (queries @ queries.mT).dtype == torch.bfloat16
        torch.testing.assert_close(found(), plain, rtol=0, atol=0)
