"""Rows on what a request with photos takes: reading large ones, and their features by the shipped network."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from benchmarks.peak import core_peak
from benchmarks.plain_staged import PlainStaged
from benchmarks.race import Contender, race
from benchmarks.report import Row, span_of
from benchmarks.threads import one_thread
from models.backbones.staged import Staged
from models.images.image_decoding import decode
from models.images.preprocessing import Preprocessing
from models.initialization import load, shipped

MODEL = "photos"
_COARSE, _SIDE = 12, 84  # pixels
_SIZES = (1, 25)  # a query by itself; the support set of 5 ways and 5 shots
_OF_PHONE = (4032, 3024)  # pixels: 12 megapixels, as phones take photos
_GRAIN = 4.0  # levels: standard deviation of a camera's noise


def made_up(count: int, seed: int) -> tuple[bytes, ...]:
    """Draw JPEG files of coarse colour noise, 84x84: the work does not depend on what a photo shows."""
    generator = np.random.default_rng(seed)
    return tuple(_file(generator.integers(256, size=(_COARSE, _COARSE, 3), dtype=np.uint8)) for _ in range(count))


def rows(rounds: int, turn: float) -> list[Row]:
    """Race our pass over photos against torch's, on one thread as in the service."""
    initialization = load(shipped()[MODEL])
    backbone = initialization.learner.backbone
    if not isinstance(backbone, Staged):
        raise TypeError(f"there is no plain network of {MODEL}: it is {type(backbone).__name__}")
    plain = PlainStaged(backbone, initialization.phi).eval()

    def run(size: int) -> Row:
        images = torch.rand(size, backbone.channels, backbone.side, backbone.side)
        with one_thread(), torch.no_grad():
            ours, theirs = race(
                [
                    Contender("ours", _of(initialization.embedding, images), size),
                    Contender("plain", _of(plain, images), size),
                ],
                rounds=rounds,
                turn=turn,
            )
        return Row(
            f"engine: features of {size} photo{'s' if size > 1 else ''}, one thread",
            "ms an image",
            "torch's modules",
            ours=1000 * ours.median,
            theirs=1000 * theirs.median,
            span=span_of(ours.seconds, theirs.seconds),
            flops=backbone.operations,
            of_peak=backbone.operations / ours.median / core_peak(),
        )

    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(_read, initialization.preprocessing, rounds, turn)
        return [read.result(), *pool.map(run, _SIZES)]


def _read(preprocessing: Preprocessing, rounds: int, turn: float) -> Row:
    content = _of_phone()

    def ours() -> Tensor:
        return preprocessing(decode(content, 50_000_000))

    def theirs() -> Tensor:
        whole = Image.open(io.BytesIO(content)).convert("RGB")
        square = ImageOps.fit(whole, (preprocessing.side, preprocessing.side), Image.Resampling.BICUBIC)
        return preprocessing.normalise(torch.from_numpy(np.array(square)).permute(2, 0, 1))

    with one_thread():
        found, plain = race([Contender("ours", ours, 1), Contender("plain", theirs, 1)], rounds=rounds, turn=turn)
    return Row(
        "engine: a photo of 12 megapixels becomes input, one thread",
        "ms an image",
        "decoded in full, then scaled",
        ours=1000 * found.median,
        theirs=1000 * plain.median,
        span=span_of(found.seconds, plain.seconds),
    )


def _of_phone() -> bytes:
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(256, size=(3 * _COARSE, 4 * _COARSE, 3), dtype=np.uint8))
    levels = np.asarray(coarse.resize(_OF_PHONE, Image.Resampling.BICUBIC), dtype=np.float32)
    levels = levels + generator.normal(0, _GRAIN, levels.shape)
    file = io.BytesIO()
    Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def _file(levels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


def _of(network: Callable[[Tensor], Tensor], images: Tensor) -> Callable[[], Tensor]:
    return lambda: network(images)
