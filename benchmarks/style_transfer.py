"""Style transfer: seconds of published networks on a photo, beside a plain pass, and of the optimization of pixels."""

import time
from collections.abc import Iterator

import torch

from benchmarks.context import Context
from benchmarks.measure import Spread
from benchmarks.plain_style_network import plain_pass, read_arrays
from benchmarks.result import Result, Row, at_most, score
from lingon.checkpoints.style_networks import open_style_network
from lingon.data.corpora.image_weights import FAST_STYLE, STYLES
from lingon.data.fetch import fetch
from lingon.data.files.archives import read_members
from lingon.data.open_image import open_image
from lingon.models.style_network import NETS, load_style_network
from lingon.tasks.style import transfer
from lingon.tasks.style.pixels import as_image, within

PHOTO, STYLE = "astronaut", "starry-night"
SIDE, OPTIMIZED = 512, 256  # pixels of the longer side
STEPS = 150


def compare(context: Context) -> Iterator[Result]:
    """Yield the result of the networks, then that of the optimization."""
    if context.wants("style-transfer-networks"):
        yield _networks(context)
    if context.wants("style-transfer-optimized"):
        yield _optimized(context)


def _networks(context: Context) -> Result:
    side = 64 if context.quick else SIDE
    photo, rows, details = within(open_image(PHOTO), side, PHOTO), [], {}
    for net, name in zip(NETS, STYLES, strict=True):
        task, seconds = open_style_network(net), []
        for _ in range(context.pairs):
            begun = time.perf_counter()
            task.predict(photo)
            seconds.append(time.perf_counter() - begun)
        rows.append(at_most(f"style network {net}, a photo of {side} x {side}", "s", seconds, 3))
        details[net] = {"seconds": seconds, "difference": _difference(net, name, photo)}
    worst = max(of["difference"] for of in details.values())
    rows.append(Row("style networks, difference to a plain pass (0 to 1)", "", Spread.of([worst]), bar="≤ 0.0001",
                    reached=worst <= 1e-4))  # fmt: skip
    return Result("style-transfer-networks", rows, {"photo": PHOTO, **details})


@torch.inference_mode()
def _difference(net: str, name: str, photo) -> float:
    """Return the largest difference of a colour, 0 to 1, between our network and a plain pass over its arrays."""
    folder = f"src/ckpts/{name}"
    files = dict(read_members(fetch(FAST_STYLE), rf"{folder}/Variable(_\d+)?"))
    image = as_image(photo)
    plain = plain_pass(read_arrays(files, folder), image * 255) / 255
    return float((load_style_network(net)(image) - plain).abs().max())


def _optimized(context: Context) -> Result:
    side, steps = (32, 5) if context.quick else (OPTIMIZED, STEPS)
    found = transfer(within(open_image(PHOTO), side, PHOTO), within(open_image(STYLE), side, STYLE), steps)
    what = f"pixels optimized, {side} x {side}, {steps} steps"
    rows = [
        at_most(what, "min", [found.seconds / 60], 4),
        score(f"{what}: share by which the loss fell", [found.fall], {}, 0.9),
    ]
    return Result("style-transfer-optimized", rows, {"photo": PHOTO, "style": STYLE, "losses": found.losses})
