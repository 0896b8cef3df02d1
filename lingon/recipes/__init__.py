"""Whole runs as short programs. They import torch only when they run, so that `lingon --help` is instant."""

from lingon.recipes.classify import classify
from lingon.recipes.sentiment import sentiment

RECIPES = {recipe.__name__: recipe for recipe in (sentiment, classify)}
