"""From sentences of two styles and settings to a rewriter that is ready to be trained."""

import sys
from collections import Counter
from functools import partial
from typing import Any

from torch import nn

from lingon.core.errors import DataError, UserError
from lingon.core.seed import seed_everything
from lingon.data.examples import Examples, Splits
from lingon.data.split import keys_of, stratified_split
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.vocab import UNK
from lingon.engine.world import world
from lingon.kernels.allocator import keep_freed_memory
from lingon.metrics.translation import corpus_bleu
from lingon.models.registry import DataStats, build, get_entry, name_of
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.model_options import model_options
from lingon.tasks.registry import row_of
from lingon.tasks.rewrite.encoding import RewriteEncoder, with_rewrite_tokens
from lingon.tasks.rewrite.from_weights import check_lengths, started_generators
from lingon.tasks.rewrite.held_out import HeldOut
from lingon.tasks.rewrite.rewriter import Rewriter
from lingon.tasks.rewrite.settings import WORDS, Settings
from lingon.tasks.rewrite.similar_vectors import Encode
from lingon.tasks.rewrite.spelling import Spelling, words_of
from lingon.tasks.rewrite.style_corpus import StyleCorpus, check_styles
from lingon.tasks.rewrite.train_judges import CLASSIFIER, LANGUAGE_MODEL, train_language_model, train_style_classifier
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training

FEWEST = 10  # sentences of a style to train on
LONGER = 2  # times the longest training sentence, in tokens, that the generators can read and write


def prepare(data: Splits, settings: Settings, context: TrainContext) -> Training:
    """Return a rewriter with fresh generators, or those of --from, ready to be trained.

    What judges it is trained after it, on sentences that it does not see. Raises UserError for labels that are not two,
    or not one for each text, and DataError for too few sentences.
    """
    check_data(data)
    corpus_bleu(["a"], ["a"])  # what it takes to judge is there, or it is said before training
    train, valid, test = (sentences(part, settings.max_length, name) for part, name in _parts(data))
    own, for_judges = stratified_split(train, settings.judge_share, settings.seed, "judges")
    embedder = _embedder(settings, context)
    corpus = corpus_of(own, settings, embedder.encode if embedder else None)
    keep_freed_memory()
    task = _task(corpus, embedder, own, settings, context)
    place = context.world
    batches = task.batches(
        own,
        max_tokens=settings.max_tokens_per_batch,
        batch_size=settings.batch_size,
        seed=settings.seed,
        rank=place.rank,
        world=place.size,
    )
    held_out = HeldOut(task, test)
    return Training(
        task=task,
        module=task.generators,
        batches=batches,
        loss=task.loss,
        evaluator=task.evaluator(valid),
        metric="loss",
        test=held_out.scores,
        models={
            "delete": settings.model,
            "delete_retrieve": settings.model,
            "style_classifier": CLASSIFIER,
            "language_model": LANGUAGE_MODEL,
            **({"embedder": name_of(task.embedder.model)} if task.embedder else {}),
        },
        facts={
            "data": data.source,
            "padding": batches.padding,
            "sentences": {"rewriter": len(own), "judges": len(for_judges), "valid": len(valid), "test": len(test)},
            "markers": {style: len(found) for style, found in corpus.markers.salience.items()},
        },
        report=held_out.report,
        sample=held_out.sample,
        calibrate=partial(train_judges, task, for_judges, valid, settings, context),
    )


def train_judges(
    task: Rewriter, sentences: Examples, valid: Examples, settings: Settings, context: TrainContext
) -> None:
    """Train what judges a rewriter, and give it to the rewriter."""
    if world().rank == 0:
        print(
            f"training its evaluation models, a classifier and a language model, on {len(sentences):,} others",
            file=sys.stderr,
        )
    spelt = Examples(task.judged_inputs(sentences.texts), sentences.labels)
    shown = Examples(task.judged_inputs(valid.texts), valid.labels)
    task.style_classifier = train_style_classifier(spelt, shown, settings.seed, context)
    task.language_model = train_language_model(spelt.texts, task.tokenizer, settings.seed, context.device)


def check_data(data: Splits) -> None:
    """Raise UserError unless each text has one of two labels."""
    if data.problem_type != "single-label":
        raise UserError(f"the labels are {data.problem_type}; a rewriter takes texts with one label each")
    if data.train.text_pairs is not None:
        raise UserError("--text-pair: a rewriter reads single texts; pairs are for lingon train translate")
    check_styles(data.train.label_counts())


def sentences(examples: Examples, max_length: int, part: str) -> Examples:
    """Return the sentences of at most `max_length` words, each once; say on stderr how many others there were.

    Raises DataError where hardly any is left of a label.
    """
    lengths = [len(words_of(text)) for text in examples.texts]
    first = dict[str, int]()
    for row, (key, length) in enumerate(zip(keys_of(examples), lengths, strict=True)):
        if 0 < length <= max_length:
            first.setdefault(key, row)
    found = Examples([examples.texts[i] for i in first.values()], [examples.labels[i] for i in first.values()])
    long = sum(length > max_length for length in lengths)
    left = len(examples) - len(found)
    if left and world().rank == 0:
        said = f"{left:,} of {len(examples):,} {part} texts are left out: {long:,} have over {max_length} words"
        print(f"{said} (--max-length), the others are empty or come again", file=sys.stderr)
    few = FEWEST if part == "training" else 1
    counts = Counter(found.labels)
    for label in dict.fromkeys(examples.labels):
        if counts[label] < few:
            raise DataError(
                f"of the label {label!r} there are {counts[label]:,} {part} sentences of at most {max_length} words; "
                f"expected {few} or more (a rewriter takes single sentences; --max-length says how long)"
            )
    return found


def corpus_of(examples: Examples, settings: Settings, encode: Encode | None = None) -> StyleCorpus:
    """Return the corpus of styles. encode: gives texts vectors, by which sentences are retrieved; None: by words.

    Raises DataError where no n-gram is salient enough to be a marker.
    """
    styles = sorted(set(examples.labels))
    pairs = list(zip(examples.texts, examples.labels, strict=True))
    by_style = {style: [text for text, label in pairs if label == style] for style in styles}
    corpus = StyleCorpus(by_style, settings.threshold, settings.smoothing, Spelling.of(examples.texts), encode)
    if all(not found for found in corpus.markers.salience.values()):
        raise DataError(f"no n-gram has a salience of {settings.threshold:g} or more; lower --threshold")
    return corpus


def _task(
    corpus: StyleCorpus, embedder: Embedder | None, own: Examples, settings: Settings, context: TrainContext
) -> Rewriter:
    """Return a rewriter without judges: with fresh generators, or those of the rewriter to start from."""
    texts = lambda: [" " + " ".join(corpus.spelling.words(text)) for text in own.texts]
    if context.pretrained is None:
        tokenizer = with_rewrite_tokens(context.tokenizer(settings.tokenizer, texts, settings.vocab))
        longest = max(map(len, tokenizer.encode_batch(texts())))
        generators = _fresh(tokenizer, longest, settings)
    else:
        source = context.pretrained.take()
        tokenizer = source.tokenizer
        longest = max(map(len, tokenizer.encode_batch(texts())))
        check_lengths(source, context.pretrained.name, longest, longest + len(RewriteEncoder(tokenizer).ids))
        seed_everything(settings.seed)
        generators = started_generators(source, settings)
    delete, delete_retrieve = (model.to(context.device) for model in generators)
    return Rewriter(corpus, delete, delete_retrieve, tokenizer, embedder=embedder)


def _fresh(tokenizer: Tokenizer, longest: int, settings: Settings) -> list[nn.Module]:
    """Return both generators with fresh weights. longest: tokens of a training sentence."""
    encoder = RewriteEncoder(tokenizer)
    stats = DataStats(len(tokenizer.vocab), padding_idx=tokenizer.padding_idx)
    options: dict[str, Any] = {"pad_id": tokenizer.pad_id, "start_id": encoder.start, "eos_id": encoder.end}
    most = LONGER * (longest + len(encoder.ids))
    options |= {"context_length": most, "source_length": LONGER * most}
    # A content is mostly copied, and sentences are short; --set changes these.
    suits: dict[str, Any] = {"copy": True, "input_feeding": False, "unk_id": tokenizer.vocab[UNK]}
    suits["hidden"] = 2 * filled_in(settings.width)
    known = get_entry(settings.model).options
    options |= {name: value for name, value in suits.items() if name in known}
    options |= model_options(settings, stats)
    seed_everything(settings.seed)
    return [build(settings.model, options) for _ in range(2)]


def _embedder(settings: Settings, context: TrainContext) -> Embedder | None:
    """Return the encoder of --retrieve-by; None for words. Raises UserError for what gives texts no vectors."""
    if settings.retrieve_by == WORDS:
        return None
    assert context.load_task, "whoever trains with --retrieve-by can load"
    found = context.load_task(settings.retrieve_by)
    if not isinstance(found, Embedder):
        what = row_of(found.name).a_noun
        raise UserError(f"--retrieve-by {settings.retrieve_by} is {what}; expected an encoder of texts, as minilm-l6")
    found.model.requires_grad_(False).to(context.device)
    return found


def _parts(data: Splits) -> list[tuple[Examples, str]]:
    return [(data.train, "training"), (data.valid, "validation"), (data.test, "test")]
