"""Features by several threads: each image's as by one, and nobody is waited for who never comes."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import torch

from service.computing.sharing import directly, in_company

IMAGES = torch.rand(18, 3, 4, 4, generator=torch.Generator().manual_seed(0))
MUCH = 10**10  # operations of an image


def embedding(images):
    assert not torch.is_grad_enabled()
    return images.flatten(1).cumsum(1)


def test_pieces_come_back_in_order_from_whoever_did_them():
    """By four threads, each of which waits in its first piece until all have begun one."""
    first, barrier = threading.local(), threading.Barrier(4, timeout=10)

    def slow(images):
        if not hasattr(first, "begun"):
            first.begun = True
            barrier.wait()
        return embedding(images)

    with ThreadPoolExecutor(3) as pool:
        found = in_company(pool.submit, lambda: 3, slow, IMAGES, MUCH)
    assert torch.equal(found, directly(embedding, IMAGES, MUCH))


def test_helpers_that_never_come_are_not_waited_for():
    never = Future()
    found = in_company(lambda _: never, lambda: 1, embedding, IMAGES, MUCH)
    assert torch.equal(found, directly(embedding, IMAGES, MUCH))
    assert never.cancelled()


@pytest.mark.parametrize(("images", "operations"), [(IMAGES, 10), (IMAGES[:1], 10**12)])
def test_nobody_is_asked_for_little_work_or_one_image(images, operations):
    found = in_company(
        lambda _: pytest.fail("asked"), lambda: pytest.fail("counted"), embedding, images, operations
    )
    assert torch.equal(found, directly(embedding, images, operations))


@pytest.mark.parametrize(
    ("images", "operations", "helpers", "sizes"),
    [
        (18, 10**9, 1, [5, 5, 4, 4]),  # a piece takes eight at most, and both threads get as many
        (18, 10**8, 2, [6, 6, 6]),
        (18, 2 * 10**10, 1, [3] * 6),
        (18, 10**12, 3, [1] * 18),
        (2, 10**12, 3, [1, 1]),
        (7, 10**9, 1, [4, 3]),
    ],
)
def test_threads_get_pieces_of_about_the_same_size(images, operations, helpers, sizes):
    found, asked = [], []

    def noted(some):
        found.append(len(some))
        return embedding(some)

    def submit(work):
        asked.append(work)
        return Future()

    in_company(submit, lambda: helpers, noted, IMAGES[:images], operations)
    assert (found, len(asked)) == (sizes, min(helpers, images - 1))


@pytest.mark.parametrize("where", ["here", "there"])
def test_an_error_in_any_thread_is_the_callers(where):
    here, first, barrier = threading.get_ident(), threading.local(), threading.Barrier(2, timeout=10)

    def broken(images):
        if not hasattr(first, "begun"):  # else one could do all pieces before the other is awake
            first.begun = True
            barrier.wait()
        if (threading.get_ident() == here) == (where == "here"):
            raise ArithmeticError(where)
        return embedding(images)

    with ThreadPoolExecutor(1) as pool, pytest.raises(ArithmeticError, match=where):
        in_company(pool.submit, lambda: 1, broken, IMAGES, MUCH)
