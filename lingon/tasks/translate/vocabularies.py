"""The tokenizers of a translator: one vocabulary for both sides, or one for each; the end token stands last."""

from typing import TYPE_CHECKING

from lingon.data.tokenizers import Tokenizer
from lingon.tasks.training import TrainContext

if TYPE_CHECKING:
    from lingon.data.parallel_texts import ParallelTexts
    from lingon.tasks.translate.settings import Settings

END = "[eos]"


def train_vocabularies(
    pairs: "ParallelTexts", settings: "Settings", context: TrainContext
) -> tuple[Tokenizer, Tokenizer]:
    """Return the tokenizers of sources and of targets, the same one twice where the vocabulary is shared.

    With one vocabulary names, numbers and words that both languages have are the same tokens on both sides (Sennrich et
    al. 2016, section 3.2). They are kept in the folder of the run.
    """
    size = max(1, settings.vocab - 1)  # of what is trained, beside the end token
    if settings.vocabularies == "shared":
        texts = lambda: [*pairs.sources, *pairs.targets]
        both = with_end(context.tokenizer(settings.tokenizer, texts, size))
        return both, both
    source = context.tokenizer(settings.tokenizer, lambda: list(pairs.sources), size, "source")
    target = context.tokenizer(settings.tokenizer, lambda: list(pairs.targets), size, "target")
    return with_end(source), with_end(target)


def with_end(tokenizer: Tokenizer) -> Tokenizer:
    """Return the same tokenizer with an end token behind every text, which no text can be."""
    return tokenizer.with_template(f"$A {END}", f"$A {END} $B:1 {END}:1")
