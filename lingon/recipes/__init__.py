"""Whole runs as short programs. They import torch only when they run, so that `lingon --help` is instant."""

from lingon.recipes.classify import classify
from lingon.recipes.language_model import language_model
from lingon.recipes.sentiment import sentiment
from lingon.recipes.vectors import vectors

# Those whose runs can be compared by a score on held-out texts, as a sweep does.
COMPARABLE = (sentiment, classify, language_model)
RECIPES = {recipe.__name__: recipe for recipe in (sentiment, classify, language_model, vectors)}
