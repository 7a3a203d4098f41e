"""The oracle of every algorithm: one task after the other, in torch's own operations and by its autograd."""

import learn2learn
import torch
from torch.nn import functional


def network(body, images, groups):
    """Features ``[B, D]`` of a Conv4 that pools."""
    maps = images
    for block in range(1, 5):
        maps = functional.conv2d(maps, body[f"block{block}.convolution"], padding=1)
        scale, shift = body[f"block{block}.scale"], body[f"block{block}.shift"]
        maps = functional.max_pool2d(functional.relu(functional.group_norm(maps, groups, scale, shift)), 2)
    return maps.flatten(1)


def start(kind, phi, features, labels, ways):
    """The head's weight ``[N, D]`` and bias ``[N]`` before any step."""
    if kind == "shared":
        return torch.stack([phi["head.vector"]] * ways), torch.stack([phi["head.bias"]] * ways)
    scale = phi["head.log_scale"].exp()
    if kind == "prototype":
        centres = torch.stack([features[labels == label].mean(0) for label in range(ways)])
        return 2 * scale * centres, -scale * (centres * centres).sum(1)
    nothing = torch.zeros(ways, dtype=features.dtype)
    if kind == "svm":
        classifier = learn2learn.nn.SVClassifier(max_iters=60)
        classifier.fit_(features, labels, ways)
        return scale * classifier.qp_solution.T @ features, nothing
    counts = torch.bincount(labels)
    root = (len(labels) / ways / counts[labels]).sqrt().to(features.dtype)[:, None]
    x, y = root * features, root * functional.one_hot(labels, ways)
    penalty = phi["head.log_penalty"].exp() * torch.eye(x.shape[1], dtype=x.dtype)
    return scale * (torch.linalg.inv(x.T @ x + penalty) @ x.T @ y).T, nothing


def balanced_loss(logits, labels, ways):
    losses = functional.cross_entropy(logits, labels, reduction="none")
    return sum(losses[labels == label].mean() for label in range(ways)) / ways


def direction(rule, phi, name, step, gradient):
    """What one inner step takes from a tensor."""
    if rule.rates == "one":
        return phi["rates.rate"] * gradient
    if rule.rates == "layer-step":
        return phi[f"rates.{name}"][step] * gradient
    if rule.rates == "gate":
        learned = phi[f"rates.{name}"]  # of a closed gate the value is 0, and the gradient that of an open one
        return (learned.clamp_min(0).detach() + learned - learned.detach()) * gradient
    if rule.rates == "parameter":
        return phi[f"rates.{name}"] * gradient
    matrices = {key.removeprefix(f"rates.{name}."): value for key, value in phi.items() if name in key}
    if "kernel" in matrices:
        flat = gradient.flatten(2)
        flat = torch.einsum("po,qi,gf,oif->pqg", matrices["out"], matrices["in"], matrices["kernel"], flat)
        return phi["rates.rate"] * flat.view_as(gradient)
    if "in" in matrices:
        return phi["rates.rate"] * torch.einsum("qi,ni->nq", matrices["in"], gradient)
    return phi["rates.rate"] * matrices["scale"] * gradient


def path(learner, phi, images, labels, ways, *, second_order):
    """What moves, after no step, one, and so on: a dict of all parameters of the network."""
    groups, rule = learner.backbone.groups, learner.rule
    body = {name: value for name, value in phi.items() if name.startswith("body.")}
    plain = {name.removeprefix("body."): value for name, value in body.items()}
    weight, bias = start(learner.head.kind, phi, network(plain, images, groups), labels, ways)
    # Nodes of their own: the inner gradient takes the head's start, made of the same phi, for a constant.
    theta = {name: value.clone() for name, value in body.items()} | {"head.weight": weight, "head.bias": bias}
    found = [theta]
    for step in range(rule.steps):
        moving = [n for n in theta if (rule.moves_head if n.startswith("head") else rule.moves_body)]
        loss = balanced_loss(logits(learner, theta, images), labels, ways)
        gradients = torch.autograd.grad(
            loss, [theta[n] for n in moving], create_graph=second_order, retain_graph=True
        )
        moved = {
            name: theta[name] - direction(rule, phi, name, step, gradient)
            for name, gradient in zip(moving, gradients, strict=True)
        }
        theta = theta | moved
        found.append(theta)
    return found


def logits(learner, theta, images):
    body = {name.removeprefix("body."): value for name, value in theta.items() if name.startswith("body.")}
    return network(body, images, learner.backbone.groups) @ theta["head.weight"].T + theta["head.bias"]


def tasks_of(batch):
    """Each task's support images and labels, query images and labels, and ways, without padding."""
    support = batch.support
    for task in range(batch.tasks):
        there, asked = support.weights[task] > 0, batch.query_weights[task] > 0
        yield (
            support.images[task][there],
            support.labels[task][there],
            batch.query_images[task][asked],
            batch.query_labels[task][asked],
            int(support.ways[task]),
        )


def outer_gradient(learner, phi, batch, *, second_order, shares):
    """By name; the query losses after each inner step counting by ``shares``."""
    phi = {name: value.clone().requires_grad_() for name, value in phi.items()}
    total = 0.0
    for images, labels, queries, asked, ways in tasks_of(batch):
        steps = path(learner, phi, images, labels, ways, second_order=second_order)[-len(shares) :]
        for share, theta in zip(shares, steps, strict=True):
            total = total + share * functional.cross_entropy(logits(learner, theta, queries), asked) / batch.tasks
    gradients = torch.autograd.grad(total, list(phi.values()), allow_unused=True)
    return {n: g for n, g in zip(phi, gradients, strict=True) if g is not None}


def reptile_gradient(learner, phi, batch):
    """By name, phi less the mean of what training on all images of each task makes of it."""
    phi = {name: value.clone().requires_grad_() for name, value in phi.items()}
    thetas = []
    for images, labels, queries, asked, ways in tasks_of(batch):
        everything, names = torch.cat([images, queries]), torch.cat([labels, asked])
        thetas.append(path(learner, phi, everything, names, ways, second_order=False)[-1])
    learned = {name: value for name, value in phi.items() if name.startswith("body.")}
    return {
        name: (value - sum(theta[name] for theta in thetas) / len(thetas)).detach()
        for name, value in learned.items()
    }
