"""What `lingon logprob` prints."""

from lingon.core.strict_json import dumps
from lingon.core.terminal_columns import padded
from lingon.metrics.likelihood import exp
from lingon.tasks.task import TokenScorer


def logprob_lines(model: TokenScorer, text: str, as_json: bool) -> str:
    """Return a line per token with its log-probability, and the sum; or one JSON object."""
    found = model.logprobs(text)
    total = sum(x for _, x in found)
    if as_json:
        return dumps({"tokens": [{"token": t, "logprob": x} for t, x in found], "logprob": total})
    lines = [f"{padded(repr(t), 24)} {x:9.4f}" for t, x in found]
    perplexity = exp(-total / len(found))
    shown = f"{perplexity:.2f}" if perplexity < 1e9 else f"{perplexity:.3g}"
    return "\n".join([*lines, f"{'all':24} {total:9.4f}   perplexity {shown}"])
