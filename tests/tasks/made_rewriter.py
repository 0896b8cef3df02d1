"""A small rewriter with random generators, and judges of a few sentences."""

import torch

from lingon.data.examples import Examples
from lingon.data.tokenizers import words
from lingon.engine.optimizers import adamw
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.rewrite.encoding import RewriteEncoder, with_rewrite_tokens
from lingon.tasks.rewrite.rewriter import Rewriter
from lingon.tasks.rewrite.spelling import Spelling
from lingon.tasks.rewrite.style_corpus import StyleCorpus

KINDS = {"bad": ("dull", "slow", "bad"), "good": ("warm", "fine", "good")}
FORMS = ("the plot is {}", "a {} film and a {} cast", "the film is {} and {}", "so {} it is")


def sentences(style):
    """Return some sentences of a style, each with a marker or two of it."""
    return [form.format(mark, mark) for mark in KINDS[style] for form in FORMS]


BAD, GOOD = sentences("bad"), sentences("good")
NAMES = {
    "delete": "transformer",
    "delete_retrieve": "transformer",
    "style_classifier": "bag",
    "language_model": "lstm",
}


def made_rewriter(width=8, seed=1):
    """Return a rewriter whose classifier knows the markers, and whose generators have learned nothing."""
    torch.manual_seed(seed)
    corpus = StyleCorpus({"bad": BAD, "good": GOOD}, 3.0, spelling=Spelling(lowercase=True, spaced=True))
    tokenizer = with_rewrite_tokens(words(BAD + GOOD))
    encoder = RewriteEncoder(tokenizer)
    sizes = {"vocab_size": len(tokenizer.vocab), "width": width, "heads": 2, "depth": 1, "dropout": 0.0}
    sizes |= {"pad_id": 0, "start_id": encoder.start, "eos_id": encoder.end}
    sizes |= {"context_length": 40, "source_length": 60}
    generators = [build("transformer", sizes).eval() for _ in range(2)]
    known = words(BAD + GOOD)
    bag = build("bag", {"vocab_size": len(known.vocab), "classes": 2, "width": 7})
    classifier = Classifier(bag, known, ["bad", "good"])
    _learn(classifier)
    lstm = build("lstm", {"vocab_size": len(tokenizer.vocab), "width": 5, "hidden": 5, "depth": 1}).eval()
    return Rewriter(corpus, *generators, tokenizer, classifier, LanguageModel(lstm, tokenizer))


def _learn(classifier):
    optimizer = adamw(classifier.model, 0.1)
    examples = Examples(BAD + GOOD, ["bad"] * len(BAD) + ["good"] * len(GOOD))
    for _ in range(10):
        for batch in classifier.batches(examples, max_tokens=9999):
            optimizer.zero_grad()
            found = classifier.loss(classifier.model, batch)
            (found.total / found.count).backward()
            optimizer.step()
    classifier.model.eval()
