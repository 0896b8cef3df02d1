"""Basics used by all other packages: errors, files, seeds, devices."""

__all__ = ["device", "errors", "seed"]
