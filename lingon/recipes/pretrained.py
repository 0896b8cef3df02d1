"""What a run starts from: opened by its name, recorded, and compared when the run is resumed."""

from pathlib import Path
from typing import Any

from torch import nn

from lingon.checkpoints.adapter import save_adapter
from lingon.checkpoints.huggingface.save import save_hub
from lingon.checkpoints.huggingface.sentence_transformers import SentenceVectors
from lingon.checkpoints.load import load
from lingon.core.errors import UserError
from lingon.engine.run import Run
from lingon.layers.lora import adapters_in, merge_lora
from lingon.tasks.pretrained import Pretrained
from lingon.tasks.training import Training

# Folders in that of the run: of the matrices of LoRA, and of an encoder for others to start from.
ADAPTER, ENCODER = "adapter", "encoder"


def open_pretrained(name: str | None) -> Pretrained | None:
    """Open what --from names: published weights, a folder, or a model of the hub; None where it names nothing."""
    return None if name is None else Pretrained(name, lambda: load(name))


def record_pretrained(run: Run, pretrained: Pretrained | None) -> dict[str, Any]:
    """Record name and sha256 of the weights that a run starts from; return what run.json says of them.

    Raises UserError where the run that is resumed started from other weights.
    """
    if pretrained is None:
        return {}
    found = {"name": pretrained.name, "sha256": pretrained.sha256}
    before = run.facts.get("pretrained", found)
    if before != found:
        raise UserError(
            f"--from {pretrained.name}: its weights are not those that the run in {str(run.folder)!r} started from; "
            "put them back, or start again with --overwrite"
        )
    run.record("pretrained", found)
    return {"pretrained": found}


def keep_adapters(task: Any, folder: Path, pretrained: Pretrained | None) -> None:
    """Save the adapters of a trained task on their own, and merge them into its models; do nothing without any."""
    for part in _adapted(task):
        save_adapter(part, folder / ADAPTER, pretrained.name if pretrained else "")
    merge_adapters(task)


def merge_adapters(task: Any) -> None:
    """Merge the adapters of a trained task into its models."""
    for part in _adapted(task):
        merge_lora(part)


def _adapted(task: Any) -> list[nn.Module]:
    return [part for part in task.parts.values() if isinstance(part, nn.Module) and adapters_in(part)]


def save_encoder(training: Training, folder: Path) -> None:
    """Save the encoder of a training that has one to offer, in the Hugging Face layout, into the folder of the run."""
    if training.encoder is not None:
        task: Any = training.task  # has a tokenizer
        pooling = getattr(task, "pooling", None)
        how = None if pooling is None else SentenceVectors(pooling, task.normalize, task.max_length)
        save_hub(training.encoder, folder / ENCODER, task.tokenizer, vectors=how)
