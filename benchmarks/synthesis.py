"""Synthesis of clothes: the Frechet distance of a VAE, a DCGAN and a diffusion model beside real against real."""

from collections.abc import Iterator

from benchmarks.context import Context
from benchmarks.result import Result
from benchmarks.trained_tasks import Case, results

SOURCE = {"data": "fashion-mnist"}
BARS = {"frechet_distance": None, "real_frechet_distance": None, "label_accuracy": None}
MODELS = {
    "diffusion": ("a diffusion model", {"precision": "bfloat16"}),
    "dcgan": ("a DCGAN", {}),
    "vae": ("a VAE", {}),
}
CASES = {
    f"synthesis-{model}": Case(
        "synthesize", SOURCE, {"model": model, **settings}, f"images like Fashion-MNIST, {what}", BARS
    )
    for model, (what, settings) in MODELS.items()
}


def compare(context: Context) -> Iterator[Result]:
    """Yield the result after each seed. All trainings have the same judge, which is trained from one seed."""
    yield from results(context, CASES)
