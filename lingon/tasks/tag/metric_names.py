"""The metrics of a tagger by name, the main one first. Imports no torch."""

# Of words and of spans; the first is the main one. With labels of sentences those of `LABEL_METRICS` come too.
TAG_METRICS = ("accuracy", "loss")
SPAN_METRICS = ("f1", "precision", "recall", "accuracy", "loss")
LABEL_METRICS = ("sentence_accuracy", "label_accuracy")
ALL_METRICS = tuple(dict.fromkeys((*LABEL_METRICS, *SPAN_METRICS)))


def metrics_for(spans: bool, labels: bool) -> tuple[str, ...]:
    """Return the metrics of a tagger, the main one first: with labels, the share of sentences that are all right."""
    of_tags = SPAN_METRICS if spans else TAG_METRICS
    return (*LABEL_METRICS, *of_tags) if labels else of_tags
