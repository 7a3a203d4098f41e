"""Evolution and policy gradient: estimates that converge to the true gradient, and what their losses are of."""

import pytest
import torch

from tests.training.tiny_run import TRAINING, recipe
from training.outer.evolution import ascent, evolution_loss, ranked
from training.outer.loss import adapted_logits
from training.outer.policy_gradient import policy_gradient_loss, score_function_loss
from training.outer.processes import Processes
from training.outer_plan import Outer
from training.tasks.episodes import EpisodeSampler

CENTRE = torch.tensor([0.3, -1.0, 2.0])
CURVATURE = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.5]])
AT = torch.tensor([1.0, 0.5, -0.5])
TRUE = -CURVATURE @ (AT - CENTRE)


def reward(where):
    off = where - CENTRE
    return -0.5 * (off @ CURVATURE * off).sum(-1)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def error(estimate):
    return float((estimate - TRUE).norm() / TRUE.norm())


def evolved(pairs, spread=0.5, shape=lambda gains: gains):
    noise = torch.randn(pairs, 3, generator=generator())
    gains = reward(AT + spread * noise) - reward(AT - spread * noise)
    return ascent(noise, shape(gains), spread)


def test_evolution_converges_to_the_gradient_of_a_quadratic():
    assert error(evolved(100_000)) < 0.02
    assert error(evolved(100)) > error(evolved(10_000)) > error(evolved(1_000_000))


def test_ranks_keep_the_direction():
    found = evolved(4_000, shape=ranked)
    assert float(torch.nn.functional.cosine_similarity(found, TRUE, 0)) > 0.995
    assert torch.equal(ranked(torch.tensor([0.0, 3.0, -1.0])), ranked(torch.tensor([0.0, 30.0, -0.1])))
    assert ranked(torch.tensor([0.0, 3.0, -3.0])).tolist() == pytest.approx([0.0, 2 / 3, -2 / 3])


@pytest.mark.parametrize("draws", [2, 8])
def test_policy_gradient_converges_to_the_gradient_of_a_quadratic(draws):
    """The policy chooses a place near phi; the mean of a quadratic over it has the quadratic's own gradient."""
    spread = 0.5

    def estimated(places):
        phi = AT.clone().requires_grad_()
        chosen = (phi + spread * torch.randn(draws, places, 3, generator=generator())).detach()
        log_probabilities = -((chosen - phi) / spread).square().sum(-1) / 2
        score_function_loss(log_probabilities, reward(chosen)).mean().backward()
        return -phi.grad

    of_many = error(estimated(400_000))
    assert of_many < 0.02
    assert error(estimated(100)) > of_many


@pytest.fixture(scope="module")
def batch():
    return EpisodeSampler(TRAINING, ways=(2, 4), shots=(1, 3), queries=2, seed=0, ragged=True).batch(0, 4)


def learner_and_phi(moves="head", rates="one", head="prototype"):
    plan = recipe(outer=Outer())
    plan.learner["rule"] |= {"moves": moves, "rates": rates, "steps": 2, "initial_rate": 0.05}
    plan.learner["head"] = {"kind": head}
    learner = plan.build_learner()
    return learner, {name: value.requires_grad_() for name, value in learner.initial(0).items()}


def test_answers_drawn_give_the_gradient_of_the_expected_share_of_right_ones(batch):
    learner, phi = learner_and_phi()
    chances = torch.rand(*batch.query_labels.shape, 4_000, dtype=torch.float64, generator=generator())
    policy_gradient_loss(learner, phi, batch, chances).loss.backward()
    found = {name: value.grad.clone() for name, value in phi.items() if value.grad is not None}
    for value in phi.values():
        value.grad = None
    shares = adapted_logits(learner, phi, batch, inner_steps=None, second_order=False).softmax(-1)
    right = shares.gather(-1, batch.query_labels[..., None])[..., 0]
    weights = batch.query_weights / batch.query_weights.sum(1, keepdim=True)
    (-(right * weights).sum(1).mean()).backward()
    flat, expected = (
        torch.cat([values[name].flatten() for name in found])
        for values in (found, {name: value.grad for name, value in phi.items()})
    )
    assert (flat - expected).norm() < 0.05 * expected.norm()


def test_answers_are_classes_of_the_task(batch):
    learner, phi = learner_and_phi()
    for chance in (0.0, 1 - 2**-53):
        chances = torch.full((*batch.query_labels.shape, 2), chance, dtype=torch.float64)
        found = policy_gradient_loss(learner, phi, batch, chances).loss  # of a class that a task lacks it is huge
        found.backward()
        assert all(value.grad.abs().max() < 1e3 for value in phi.values() if value.grad is not None)


@pytest.mark.parametrize("moves", ["head", "all", "body"])
@pytest.mark.parametrize("rates", ["one", "layer-step", "parameter", "curvature", "gate"])
@pytest.mark.parametrize("head", ["prototype", "shared", "ridge", "svm"])
def test_each_task_tries_a_phi_of_its_own_as_if_it_were_the_only_one(batch, moves, rates, head):
    batch = batch.part(slice(2))
    learner, phi = learner_and_phi(moves, rates, head)
    changed = [n for n in phi if not n.startswith("rates")]
    noise = torch.randn(
        batch.tasks, sum(phi[name].numel() for name in changed), generator=generator()
    )  # as evolution_loss draws it
    losses = {"accuracy": [], "loss": []}
    for task, of_task in enumerate(noise):
        alone = batch.part(slice(task, task + 1))
        for sign in (1, -1):
            parts = (sign * 0.1 * of_task).split([phi[name].numel() for name in changed])
            near = {n: v.detach() for n, v in phi.items()}
            near |= {n: near[n] + p.view_as(near[n]) for n, p in zip(changed, parts, strict=True)}
            theta = learner.adapt(near, alone.support, steps=2)
            logits = learner.predict(theta, alone.query_images).detach()[0]
            asked = alone.query_weights[0] > 0
            logits, labels = logits[asked], alone.query_labels[0][asked]
            losses["accuracy"].append(float((logits.argmax(-1) == labels).float().mean()))
            losses["loss"].append(float(torch.nn.functional.cross_entropy(logits, labels)))
    found = evolution_loss(learner, phi, batch, generator(), spread=0.1, reward="loss", processes=Processes())
    assert found.loss.item() == pytest.approx(sum(losses["loss"]) / 4, rel=1e-3)
    assert found.accuracy.item() == pytest.approx(sum(losses["accuracy"]) / 4, abs=1e-5)
    found.loss.backward()
    one, other = torch.tensor(losses["loss"][::2]), torch.tensor(losses["loss"][1::2])
    expected = ascent(noise, ranked(one - other), 0.1).split([phi[name].numel() for name in changed])
    for name, value in zip(changed, expected, strict=True):
        torch.testing.assert_close(phi[name].grad, value.view_as(phi[name]), rtol=1e-4, atol=1e-6)
    assert all(phi[name].grad is None for name in phi if name.startswith("rates"))
