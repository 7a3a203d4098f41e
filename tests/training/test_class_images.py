"""Images grouped by class keep classes and images together through every change."""

import pytest
import torch

from training.datasets.class_images import ClassImages


def numbered(counts, groups=None):
    """Classes whose every image is filled with its own number."""
    total = sum(counts)
    return ClassImages(
        images=torch.arange(total, dtype=torch.uint8)[:, None, None, None].expand(total, 1, 8, 8).clone(),
        offsets=torch.tensor([0, *counts]).cumsum(0),
        classes=tuple(f"class{index}" for index in range(len(counts))),
        groups=groups or ("",) * len(counts),
    )


def test_subset_keeps_images_with_their_class_in_the_order_asked_for():
    data = numbered([3, 2, 4], groups=("a", "b", "a"))
    part = data.subset([2, 0])
    assert part.classes == ("class2", "class0")
    assert part.groups == ("a", "a")
    assert part.counts.tolist() == [4, 3]
    assert part.of_class(0)[:, 0, 0, 0].tolist() == [5, 6, 7, 8]
    assert part.of_class(1)[:, 0, 0, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(("indices", "message"), [([], "at least one class"), ([1, 1], "same name")])
def test_subset_refuses_none_and_doubles(indices, message):
    with pytest.raises(ValueError, match=message):
        numbered([2, 2]).subset(indices)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": torch.zeros(4, 1, 8, 8)}, "uint8"),
        ({"groups": ("",)}, "as many groups"),
        ({"classes": ("same", "same")}, "same name"),
        ({"offsets": torch.tensor([0, 2, 5])}, "number of images"),
        ({"offsets": torch.tensor([0, 4, 4])}, "rise"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    good = {
        "images": torch.zeros(4, 1, 8, 8, dtype=torch.uint8),
        "offsets": torch.tensor([0, 2, 4]),
        "classes": ("a", "b"),
        "groups": ("", ""),
    }
    with pytest.raises(ValueError, match=message):
        ClassImages(**(good | change))
