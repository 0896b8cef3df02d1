"""Lingon: a small, readable, fast toolkit for deep learning on language, and the course that teaches it."""

__version__ = "0.1.0"
