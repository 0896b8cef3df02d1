"""Text classification: one label for each text."""

from lingon.tasks.classify.classifier import TASK, Classification, Classifier, cross_entropy, penalty_of, scores

__all__ = ["TASK", "Classification", "Classifier", "cross_entropy", "penalty_of", "scores"]
