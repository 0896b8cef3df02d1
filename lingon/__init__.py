"""Lingon: a small, readable, fast toolkit for deep learning on language, and the course that teaches it."""

__version__ = "0.1.0"
__all__ = ["__version__", "hybridize", "load", "load_data"]


def load(folder, device: str = "cpu"):
    """The object that predicts, from a bundle or a run folder; see `lingon.checkpoints.load.load`."""
    # Imported here, so that `import lingon` does not wait for torch.
    from lingon.checkpoints.load import load as load_bundle

    return load_bundle(folder, device)


def load_data(name_or_path, text=None, label=None, test=None, encoding="utf-8", quoting="auto"):
    """Train, valid and test examples of a corpus or of your own file; see `lingon.data.source.load_data`."""
    from lingon.data.lines import FileOptions
    from lingon.data.source import load_data as load_source

    return load_source(name_or_path, text=text, label=label, test=test, options=FileOptions(encoding, quoting))


def hybridize(model, example):
    """The model as a compiled program, checked equal and faster; see `lingon.export.hybridize.hybridize`."""
    from lingon.export.hybridize import hybridize as hybridize_model

    return hybridize_model(model, example)
