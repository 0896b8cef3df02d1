"""ROUGE of summaries by the package rouge-score: overlap of unigrams, bigrams and longest common subsequences."""

import re
from collections.abc import Sequence

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.core.optional_packages import install_command
from lingon.metrics.resampling import Statistics, mean_statistics

METRICS = ("rouge1", "rouge2", "rougeL")
WORDS = re.compile(r"[^\W_]+")


class WordTokenizer:
    """Splits texts into lower-case words. On ASCII as rouge-score, which drops letters of all other scripts."""

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text."""
        return WORDS.findall(text.lower())


def rouge(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Return the mean F1, from 0 to 1, of shared unigrams, bigrams and longest common subsequences (Lin 2004).

    Words are not stemmed. Raises UserError if the numbers of texts differ, for no texts, and without rouge-score.
    """
    return {name: one.value for name, one in rouge_statistics(predictions, references).items()}


def rouge_statistics(predictions: Sequence[str], references: Sequence[str]) -> dict[str, Statistics]:
    """Return the statistics of each ROUGE metric, the F1 of each text; raises as `rouge` does."""
    if len(predictions) != len(references):
        raise UserError(
            f"{counted(len(predictions), 'text')} for {counted(len(references), 'reference')}; each has one"
        )
    if not predictions:
        raise UserError("there is no text to score")
    scorer = _scorer()
    found = [scorer.score(target, said) for target, said in zip(references, predictions, strict=True)]
    return {name: mean_statistics([one[name].fmeasure for one in found]) for name in METRICS}


def _scorer():
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise UserError(f"ROUGE needs rouge-score; install it with: {install_command('rouge')}") from None
    return RougeScorer(METRICS, tokenizer=WordTokenizer())
