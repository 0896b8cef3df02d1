"""The configuration of a classifier in a bundle: checked before anything is loaded, and shown on the model card."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lingon.core.config_keys import want
from lingon.core.counted import counted
from lingon.core.errors import DataError, unknown
from lingon.core.markdown import plain
from lingon.tasks.classify.targets import TARGETS, Targets
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.classify.classifier import Classifier

KINDS = {
    "multi-label": "which of the labels a text has, any number of them",
    "regression": "a number, in the unit of those it was trained on",
    "ordinal": "a rank, one of the labels in their order",
}


def config_of(classifier: "Classifier") -> dict[str, Any]:
    """Return what a bundle keeps of a classifier beside its parts, by name."""
    return {
        "labels": classifier.labels,
        "max_length": classifier.max_length,
        "problem_type": classifier.targets.problem_type,
        "targets": classifier.targets.config(),
        "text_pair": classifier.text_pair,
    }


def targets_of(config: Mapping[str, Any]) -> Targets:
    """Return the targets of a checked configuration; of one label where it names no problem type."""
    kind: Any = config.get("problem_type", "single-label")
    return TARGETS[kind].from_config(config["labels"], config.get("targets", {}))


def check_config(config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise DataError naming the key that is wrong; see `lingon.tasks.task.Task.check_config`."""
    labels = want(config, "labels", list, "a list of labels")
    kind = config.get("problem_type", "single-label")  # which it was before there were others
    if not isinstance(kind, str) or kind not in TARGETS:
        raise unknown("value of key 'problem_type'", str(kind)[:40], TARGETS)
    targets = config.get("targets", {})
    if not isinstance(targets, dict):
        raise DataError(f"key 'targets' is {str(targets)[:40]!r}, expected an object")
    outputs = TARGETS[kind].check_config(labels, targets)
    length = want(config, "max_length", (int, type(None)), "a number or null")
    if length is not None and length < 1:
        raise DataError(f"key 'max_length' is {length}, expected 1 or more")
    if not isinstance(config.get("text_pair", False), bool):
        raise DataError(f"key 'text_pair' is {str(config['text_pair'])[:40]!r}, expected true or false")
    classes = sizes["model"].get("classes")
    if type(classes) is int and classes != outputs:
        needs = counted(len(labels), "label") if kind == "single-label" else f"{outputs} outputs of {kind}"
        raise DataError(f"{needs} for a model of {classes} classes; keys 'labels' and 'classes'")


def card(model: str, config: Mapping[str, Any]) -> Card:
    """Return the content of the model card: the labels, and how much of a text is read."""
    length, what = config["max_length"], "a pair of texts" if config.get("text_pair") else "a text"
    reads = f"the first {length} tokens of {what}" if length else f"all of {what}"
    limits = "it was trained on texts like those of its training data, and knows no other label"
    says = " or ".join(map(plain, config["labels"][:6])) or "a number"
    facts = [f"- **Reads** {reads}.", f"- **Limits**: {limits}."]
    kind = config.get("problem_type", "single-label")
    facts += [f"- **Predicts**: {KINDS[kind]}."] if kind != "single-label" else []
    call = '.predict(("First text.", "Second text."))' if config.get("text_pair") else '.predict("Your text.")'
    return Card(f"# {model}: {says}", "A text classifier", facts, call)
