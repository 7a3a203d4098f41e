"""What queries are held against to tell items of no class, against the head's own distances."""

import pytest
import torch

from models import class_scatter
from models.cohort import Cohort
from models.confidence import familiarity
from models.heads import Head, classify, prototypes
from models.support import Support

FEATURES = 12
GENERATOR = torch.Generator().manual_seed(0)
SUPPORT = Support.of_task(torch.zeros(5, 1, 1, 1), torch.tensor([0, 0, 1, 2, 2]))
EXAMPLES = torch.randn(1, 5, FEATURES, generator=GENERATOR)
QUERIES = torch.randn(1, 9, FEATURES, generator=GENERATOR)
PHI = {"log_scale": torch.tensor(0.0)} | class_scatter.of_classes(
    torch.randn(400, FEATURES, generator=GENERATOR) * torch.linspace(0.1, 3, FEATURES), torch.arange(400) % 8
)


def test_distances_where_it_sees_are_those_that_the_head_answers_by():
    head = Head("lda", shrinkage=2.0, shrinkage_by_shots=False, pull=1.5, sharpness=4.0)
    cohort = Cohort(head, PHI)
    logits = classify(head.start(PHI, EXAMPLES, SUPPORT), QUERIES, SUPPORT.class_mask())
    distances = torch.cdist(cohort.seen(QUERIES), cohort.means(EXAMPLES, SUPPORT)).square()
    torch.testing.assert_close(logits - logits[..., :1], distances[..., :1] - distances, rtol=1e-4, atol=1e-4)
    assert cohort.strangers is not None
    torch.testing.assert_close(cohort.strangers, cohort.seen(PHI[class_scatter.STRANGERS]))


@pytest.mark.parametrize("head", [Head("prototype"), Head("lda", pull=1.5)])
def test_a_head_whose_metric_follows_the_shots_is_not_followed(head):
    cohort = Cohort(head, PHI)
    assert cohort.seen(QUERIES) is QUERIES
    assert torch.equal(cohort.means(EXAMPLES, SUPPORT), prototypes(EXAMPLES, SUPPORT))


def test_along_directions_of_wide_scatter_items_do_not_seem_strange():
    head = Head("lda", shrinkage=0.1, shrinkage_by_shots=False)
    phi = PHI | {class_scatter.STRANGERS: torch.eye(FEATURES)[1:9] * 2}
    wide = phi[class_scatter.DIRECTIONS][:, 0]
    means = torch.zeros(1, 2, FEATURES)
    means[0, :, 0] = 3
    both = torch.stack([means[0, 0] + 2 * wide, means[0, 0]])[None]
    plain = familiarity(both, means, phi[class_scatter.STRANGERS])[0]
    cohort = Cohort(head, phi)
    by_metric = familiarity(cohort.seen(both), cohort.seen(means), cohort.strangers)[0]
    assert float(by_metric[1] - by_metric[0]) < float(plain[1] - plain[0]) / 2


def test_without_means_of_other_classes_there_are_no_strangers():
    assert Cohort(Head("prototype"), {}).strangers is None
