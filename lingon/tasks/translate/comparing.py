"""What a translator gives when it is compared with another: its translations, and what their scores are made of."""

from typing import TYPE_CHECKING

from lingon.metrics.translation import METRICS, translation_statistics
from lingon.tasks.comparison import SystemOutput

if TYPE_CHECKING:
    from lingon.data.parallel_texts import ParallelTexts
    from lingon.tasks.translate.translator import Translator


def translator_output(translator: "Translator", examples: "ParallelTexts") -> SystemOutput:
    """Return the translations of the sources of pairs; a page shows the sentences whose chrF differs most."""
    texts, language = [found[0].translation for found in translator.stream(examples.sources)], examples.languages[1]
    found = {metric: translation_statistics(metric, texts, examples.targets, language) for metric in METRICS}
    return SystemOutput(examples.sources, examples.targets, texts, found, "chrf")
