"""What a rewriter's bundle must hold beside its sentences and generators, and the judges that are made of it."""

from collections.abc import Mapping
from typing import Any

from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.language_model.language_model import LanguageModel
from lingon.tasks.rewrite.encoding import RewriteEncoder
from lingon.tasks.rewrite.style_corpus import StyleCorpus

Helpers = tuple[Classifier, LanguageModel, Embedder | None]


def check_config(config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise DataError naming the key that is wrong, such as a third label, or a classifier of other classes."""
    corpus = StyleCorpus.from_config(config)
    classes = sizes["style_classifier"].get("classes")
    if classes != len(corpus.styles):
        raise DataError(f"the style classifier has {classes} classes; expected {len(corpus.styles)}, one a label")
    of_vectors = want({"embedder": None, **config}, "embedder", (dict, type(None)), "an object or null")
    if (of_vectors is None) != ("embedder" not in sizes):
        raise DataError("key 'embedder' and the part of that name go together; one of them is missing")
    if of_vectors is not None:
        Embedder.check_config(of_vectors, {"model": sizes["embedder"]})


def helpers_of(corpus: StyleCorpus, config: Mapping[str, Any], parts: Mapping[str, Any]) -> Helpers:
    """Return the style classifier, the language model and the embedder of a checked configuration; None without one.

    Raises DataError when the parts do not fit.
    """
    try:
        RewriteEncoder(parts["tokenizer"])
        classifier = Classifier(parts["style_classifier"], parts["classifier_tokenizer"], corpus.styles)
        language = LanguageModel(parts["language_model"], parts["tokenizer"])
        if (how := config.get("embedder")) is None:  # which older bundles do not have
            return classifier, language, None
        own = {"model": parts["embedder"], "tokenizer": parts["embedder_tokenizer"]}
        return classifier, language, Embedder.from_config(how, own)
    except UserError as error:
        raise DataError(str(error)) from None
