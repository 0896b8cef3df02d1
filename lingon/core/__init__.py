"""What every other package stands on: errors, files, seeds, devices."""

__all__ = ["device", "errors", "seed"]
