"""The losses of tasks on words, answers and pairs of sequences: rows of unequal length, as `losses.py` takes them."""

import numpy as np
import torch

from lingon.data.batches import Batch
from lingon.layers.losses import IGNORED
from lingon.layers.pooling import pooling_of
from lingon.models.registry import build
from lingon.tasks.answer.objective import answer_loss as span_loss
from lingon.tasks.chat.objective import AnswerObjective
from lingon.tasks.chat.objective import answer_loss as chat_loss
from lingon.tasks.chat.preference import DPO, dpo_loss
from lingon.tasks.embed.objective import Comparison, compare_by, comparison_loss
from lingon.tasks.masked_language_model.masking import Masked, Masking
from lingon.tasks.masked_language_model.objective import MaskedObjective, masked_loss
from lingon.tasks.parse.objective import ParseObjective, parse_loss
from lingon.tasks.rewrite.objective import Generators, rewrite_loss
from lingon.tasks.tag.objective import TagObjective, tag_loss
from lingon.tasks.translate.objective import TranslationObjective, pair_loss

ROWS, T, W, V, TAGS, RELATIONS, LABELS = 13, 11, 5, 31, 5, 3, 2
DRAW = np.random.default_rng(3)
ENCODER = {"vocab_size": V, "width": 8, "depth": 1, "heads": 2, "context_length": 2 * T, "dropout": 0.0}


def drawn(below, *shape, least=0):
    return torch.from_numpy(DRAW.integers(least, below, (ROWS, *shape)))


def filled(length, least=1):
    """True where rows of unequal length have something: [B, length]."""
    return torch.arange(length) < drawn(length + 1, 1, least=least)


def rows_of(**columns):
    return lambda rows: Batch({name: column[rows] for name, column in columns.items()}, torch.tensor(rows))


WORDS = filled(W)
SENTENCES = {
    "ids": drawn(V, T, least=1),
    "mask": filled(T, least=W + 1),
    "first": torch.arange(1, W + 1).expand(ROWS, W),
    "words": WORDS,
}
HEADS = torch.minimum(drawn(W + 1, W), WORDS.sum(1, keepdim=True))  # a word or the root of the same sentence
PASSAGE_FROM = 4  # tokens of a question


def sequences(name, length=T):
    return {f"{name}_ids": drawn(V, length, least=3), f"{name}_mask": filled(length)}


def answers():
    starts = torch.stack(
        [drawn(8, least=PASSAGE_FROM), torch.where(drawn(2) == 0, drawn(8, least=PASSAGE_FROM), -1)], 1
    )
    types = (torch.arange(T) >= PASSAGE_FROM).long().expand(ROWS, T)
    passage = torch.tensor([PASSAGE_FROM, T]).expand(ROWS, 2)
    columns = {"ids": drawn(V, T, least=1), "mask": torch.ones(ROWS, T, dtype=torch.bool), "token_types": types}
    return rows_of(**columns, passage=passage, starts=starts, ends=torch.where(starts >= 0, starts + 1, -1))


def conversations(name=""):
    mask = filled(T, least=4)
    return {f"{name}ids": drawn(V, T, least=1), f"{name}mask": mask, f"{name}answer": drawn(2, T)}


class Thirds(Masking):
    """Hide every third id, always the same: masks are drawn for a batch, which makes a row another one elsewhere."""

    def __call__(self, ids, generator=None):
        return Masked(ids.masked_fill(ids % 3 == 0, 1), ids.masked_fill(ids % 3 != 0, IGNORED))


def tagger(**more):
    return lambda: TagObjective(build("encoder_tagger", ENCODER | {"tags": TAGS} | more))


def parser():
    return ParseObjective(
        build("encoder_parser", ENCODER | {"classes": RELATIONS, "arc_width": 7, "relation_width": 3})
    )


def translator():
    sizes = {
        "vocab_size": V,
        "width": 8,
        "depth": 1,
        "heads": 2,
        "context_length": T,
        "source_length": T,
        "dropout": 0.0,
    }
    return build("transformer", sizes)


def decoder():
    return build("gpt", {"vocab_size": V, "width": 8, "depth": 1, "heads": 2, "context_length": T, "dropout": 0.0})


def compared():
    encoder = build("encoder_answerer", ENCODER).encoder
    return Comparison(encoder, pooling_of("mean"), compare_by("cosine-mse", None, []), ["first", "second"])


PAIRS = sequences("source") | sequences("target")
SEQUENCE_LOSSES = {
    "tags": (tagger(), rows_of(**SENTENCES, tags=drawn(TAGS, W)), tag_loss),
    "tags by a CRF, and labels": (
        tagger(labels=LABELS, crf=True),
        rows_of(**SENTENCES, tags=drawn(TAGS, W), labels=drawn(LABELS + 1)),
        tag_loss,
    ),
    "trees": (parser, rows_of(**SENTENCES, heads=HEADS, relations=drawn(RELATIONS + 1, W)), parse_loss),
    "answers": (lambda: build("encoder_answerer", ENCODER), answers(), span_loss),
    "translations": (lambda: TranslationObjective(translator(), 0.1), rows_of(**PAIRS), pair_loss),
    "rewritings": (
        lambda: Generators(translator(), translator()),
        rows_of(**sequences("delete"), **sequences("retrieve", 7), **sequences("target")),
        rewrite_loss,
    ),
    "conversations": (lambda: AnswerObjective(decoder()), rows_of(**conversations()), chat_loss),
    "preferences": (
        lambda: DPO(decoder(), 0.3),
        rows_of(
            **conversations("chosen_"),
            **conversations("rejected_"),
            reference=torch.from_numpy(DRAW.normal(size=(ROWS, 2))).float(),
        ),
        dpo_loss,
    ),
    "masked": (
        lambda: MaskedObjective(build("masked_encoder", ENCODER), Thirds(1, torch.zeros(V, dtype=torch.bool))),
        rows_of(ids=drawn(V, T, least=1)),
        masked_loss,
    ),
    "scored pairs": (
        compared,
        rows_of(**sequences("first"), **sequences("second"), scores=torch.from_numpy(DRAW.random(ROWS)).float()),
        comparison_loss(["first", "second"], ["scores"]),
    ),
}
