"""BLEU, chrF++ and TER of translations by sacrebleu, with its signatures for comparison."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError, unknown
from lingon.core.optional_packages import install_command
from lingon.metrics.resampling import Statistics, bootstrap_interval
from lingon.metrics.scores import Scores

METRICS = ("bleu", "chrf", "ter")
# BLEU's tokenizers for languages without spaces between words; for all others 13a (mteval-v13a), as at WMT.
BLEU_TOKENIZERS = {"zh": "zh", "ja": "char", "th": "char", "lo": "char", "km": "char", "my": "char"}


class CorpusScore(NamedTuple):
    """A score of a corpus, from 0 to 100 (TER may exceed 100), and sacrebleu's signature of how it was computed."""

    value: float
    signature: str


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str], language: str | None = None) -> CorpusScore:
    """Return BLEU of translations (detokenized) with one reference for each (Papineni et al. 2002; Post 2018).

    language: of the texts, such as "de"; it matters for languages without spaces between words.
    Raises UserError if the numbers of texts differ, for no texts, and without sacrebleu.
    """
    found = translation_statistics("bleu", hypotheses, references, language)
    return CorpusScore(found.value, found.signature)


def corpus_bleu_of_several(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> CorpusScore:
    """Return BLEU of texts with one or more references for each, such as captions. Raises as `corpus_bleu` does."""
    if len(hypotheses) != len(references):
        raise UserError(
            f"{counted(len(hypotheses), 'text')} for the references of {len(references):,}; each has one or more"
        )
    if not hypotheses or not all(references):
        raise UserError("there is no text to score, or no reference of one")
    scorer, most = _scorer("bleu", None), max(map(len, references))
    streams = [[some[i] if i < len(some) else None for some in references] for i in range(most)]
    return CorpusScore(float(scorer.corpus_score(hypotheses, streams).score), _signature(scorer))


def corpus_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> CorpusScore:
    """Return chrF++: F2 of n-grams of 1 to 6 characters and of 1 and 2 words (Popović 2017). Raises as `corpus_bleu`"""
    found = translation_statistics("chrf", hypotheses, references)
    return CorpusScore(found.value, found.signature)


def corpus_ter(hypotheses: Sequence[str], references: Sequence[str]) -> CorpusScore:
    """Return TER: edits and moves per 100 words of the reference (Snover et al. 2006). Raises as `corpus_bleu`."""
    found = translation_statistics("ter", hypotheses, references)
    return CorpusScore(found.value, found.signature)


def translation_statistics(
    metric: str, hypotheses: Sequence[str], references: Sequence[str], language: str | None = None
) -> Statistics:
    """Return the statistics of each sentence for a metric (bleu, chrf or ter); raises as `corpus_bleu` does."""
    if len(hypotheses) != len(references):
        raise UserError(
            f"{counted(len(hypotheses), 'translation')} for {counted(len(references), 'reference')}; each has one"
        )
    if not hypotheses:
        raise UserError("there is no translation to score")
    scorer = _scorer(metric, language)
    # Private methods of sacrebleu, used by its own significance tests; the public ones return no statistics.
    rows = np.array(scorer._extract_corpus_statistics(hypotheses, [references]), dtype=np.float64)
    return Statistics(rows, lambda total: float(scorer._compute_score_from_stats(total).score), _signature(scorer))


def translation_scores(
    hypotheses: Sequence[str],
    references: Sequence[str],
    also: Mapping[str, float] | None = None,
    metrics: Sequence[str] = ("bleu", "chrf"),
    language: str | None = None,
) -> Scores:
    """Return the scores of translations with signatures, and bootstrap intervals as the table `intervals`.

    also: other scores by name, such as the loss. The first of `metrics` is the main one.
    Raises as `corpus_bleu` does.
    """
    found = {name: translation_statistics(name, hypotheses, references, language) for name in metrics}
    intervals = {name: bootstrap_interval(one)._asdict() for name, one in found.items()}
    lines = [f"{name:20} 95 % of resampled corpora: {x['low']:.2f} to {x['high']:.2f}" for name, x in intervals.items()]
    return Scores(
        {**{name: one.value for name, one in found.items()}, **(also or {})},
        metrics[0],
        {"intervals": intervals},
        lines,
        {name: one.signature for name, one in found.items()},
    )


def _scorer(metric: str, language: str | None):
    scorers = _sacrebleu()
    if metric == "bleu":
        # force: no warning about texts that look tokenized, at every evaluation during training
        return scorers.BLEU(tokenize=BLEU_TOKENIZERS.get(language or "", "13a"), force=True)
    if metric == "chrf":
        return scorers.CHRF(word_order=2)
    if metric == "ter":
        return scorers.TER()
    raise unknown("metric", metric, METRICS)


def _signature(scorer) -> str:
    return f"{scorer.get_signature().format()}"


def _sacrebleu() -> ModuleType:
    try:
        from sacrebleu import metrics
    except ImportError:
        raise UserError(f"BLEU, chrF and TER need sacrebleu; install it with: {install_command('translate')}") from None
    return metrics
