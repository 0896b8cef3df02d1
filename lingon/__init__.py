"""Lingon: a small, readable, fast toolkit for deep learning on language, and the course that teaches it."""

__version__ = "0.1.0"
__all__ = ["LingonClassifier", "LingonRegressor", "__version__", "hybridize", "load", "load_data", "train"]


def __getattr__(name):
    """Import `LingonClassifier` and `LingonRegressor`, for scikit-learn, when they are asked for."""
    if name == "LingonClassifier":
        from lingon.recipes.sklearn_classifier import LingonClassifier

        return LingonClassifier
    if name == "LingonRegressor":
        from lingon.recipes.sklearn_regressor import LingonRegressor

        return LingonRegressor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    """Name what is public, for completion and documentation, also what is imported only when it is asked for."""
    return __all__


def load(folder, device: str = "cpu"):
    """The object that predicts, from a bundle or a run folder; see `lingon.checkpoints.load.load`."""
    # Imported here, so that `import lingon` does not wait for torch.
    from lingon.checkpoints.load import load as load_bundle

    return load_bundle(folder, device)


def load_data(
    name_or_path,
    text=None,
    label=None,
    test=None,
    encoding="utf-8",
    quoting="auto",
    problem_type=None,
    text_pair=None,
    valid=None,
):
    """Train, valid and test examples of a corpus or of your own file; see `lingon.data.load_data.load_data`."""
    from lingon.data.files.lines import FileOptions
    from lingon.data.load_data import load_data as load_source

    options = FileOptions(encoding, quoting)
    columns = {"text": text, "label": label, "text_pair": text_pair}
    parts = {"test": test, "valid": valid}
    return load_source(name_or_path, **columns, **parts, options=options, problem_type=problem_type)


def hybridize(model, example):
    """The model as a compiled program, checked equal and faster; see `lingon.export.hybridize.hybridize`."""
    from lingon.export.hybridize import hybridize as hybridize_model

    return hybridize_model(model, example)


def train(
    task,
    data=None,
    *,
    model=None,
    from_=None,
    epochs=None,
    seed=0,
    out=None,
    resume=False,
    overwrite=False,
    settings=None,
):
    """Train a task as the command line does; return what predicts: see `lingon.recipes.python_api.train`.

    task: what `lingon recipes` lists, such as "classify" or "translate". data: a corpus or your own file. out: the
    folder of the run. from_: weights to start from: a published model by name, a folder, or hf:owner/name.
    settings: other flags of `lingon train TASK` by name, such as {"lr": 0.01}.
    """
    from lingon.recipes.python_api import train as train_task

    return train_task(
        task,
        data,
        model=model,
        from_=from_,
        epochs=epochs,
        seed=seed,
        out=out,
        resume=resume,
        overwrite=overwrite,
        settings=settings,
    )
