"""Trainings with data of their own under a name: a row each, beside those that are called as their task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lingon.core.terminal import printable


@dataclass(frozen=True)
class Preset:
    """A task with data, as its flag --data has them: one name, or a list for running text.

    inputs: for predictions at the end. next_steps: commands to try then, with {} for the run.
    """

    task: str
    data: str | list[str]
    help: str
    inputs: tuple[str, ...]
    next_steps: tuple[str, ...]


PRESETS = {
    "sentiment": Preset(
        task="classify",
        data="imdb",
        help="Train a sentiment classifier on real film reviews, and inspect what it learned.",
        inputs=(
            "A warm, clever film that I would watch again tomorrow.",
            "The actors try hard, but the story is a bore from start to end.",
            "Not bad at all, though the ending could have been better.",
        ),
        next_steps=(
            'predict {} "I laughed until it hurt." --words',
            "train sentiment --model textcnn --out {}-textcnn",
            "train classify --data YOUR.csv          # text of your own",
            "learn list                              # the course",
        ),
    ),
}


def predictions(task: Any, inputs: Sequence[str]) -> str:
    """Return what a trained task predicts for the sentences of a preset, or of the user."""
    lines = [f"  {printable(found)}" for found in task.predict(list(inputs))]
    return "\n".join(["\nYour sentences (change them with --sentence):", *lines])


def next_steps(preset: Preset, out: str) -> str:
    """Return the commands to try after a first run."""
    return "\n".join(["\nalso try:", *(f"  lingon {step.format(out)}" for step in preset.next_steps)])
