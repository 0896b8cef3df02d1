"""From images and settings to a generator that is ready to be trained."""

from functools import partial
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.core.seed import seed_everything
from lingon.data.labelled_images import ImageSplits
from lingon.engine.distributed import distribute
from lingon.engine.step import step
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import build, get_entry, name_of
from lingon.tasks.model_options import FROM_IMAGES, OF_MODELS, parse_sizes
from lingon.tasks.settings import filled_in
from lingon.tasks.synthesize.held_out import HeldOut
from lingon.tasks.synthesize.judge import judge_for
from lingon.tasks.synthesize.objective import InTurns, SynthesisObjective, synthesis_loss
from lingon.tasks.synthesize.settings import Settings
from lingon.tasks.synthesize.synthesizer import Synthesizer
from lingon.tasks.synthesize.validation import METRIC
from lingon.tasks.training import TrainContext, Training


def prepare(data: ImageSplits, settings: Settings, context: TrainContext) -> Training:
    """Return a generator with fresh weights, and its judge, which is trained first."""
    labels = sorted(data.train.label_counts())
    if strange := sorted({*data.valid.labels, *data.test.labels} - {*labels}):
        raise UserError(f"no training image has the label {strange[0]!r}; give it some, or leave it out")
    keep_freed_memory()
    options = model_options(data.train.pixels, len(labels), settings)
    judge = judge_for(data.train, labels, settings.judge, context)
    seed_everything(settings.seed)
    task = Synthesizer(build(settings.model, options).to(context.device), judge, labels)
    batches = task.batches(
        data.train, filled_in(settings.batch_size), settings.seed, context.world.rank, context.world.size
    )
    evaluate = task.evaluator(data.valid, settings.valid_samples)
    held_out = HeldOut(task, data)
    in_turns = hasattr(task.model, "turns")
    return Training(
        task=task,
        module=SynthesisObjective(task.model),
        batches=batches,
        loss=synthesis_loss,
        evaluator=lambda module: evaluate(module.get_submodule("model")),
        metric=METRIC,
        test=held_out.scores,
        models={"model": settings.model, "judge": name_of(judge)},
        facts={"data": data.source},
        report=held_out.report,
        sample=held_out.sample,
        update=InTurns(task.model) if in_turns else step,
        distribute=partial(distribute, unused=in_turns),
    )


def model_options(pixels: np.ndarray, classes: int, settings: Settings) -> dict[str, Any]:
    """Return the options of the model: the size of the images, and what the settings say of it."""
    _, height, width, channels = pixels.shape
    given = {name: getattr(settings, name) for name in OF_MODELS if hasattr(settings, name)}
    known = get_entry(settings.model).options
    chosen = {name: value for name, value in given.items() if value is not None and name in known}
    sizes = {"image_height": height, "image_width": width, "channels": channels, "classes": classes}
    return sizes | chosen | parse_sizes(settings.set or [], FROM_IMAGES)
