"""What `lingon export` prints."""

from collections.abc import Iterator


def lines_of_export(found) -> Iterator[str]:
    """Yield what was written and its largest difference of logits; with 8 bits its size, agreement and speed."""
    yield f"wrote {found.folder}: {found.size / 1e6:.1f} MB; logits differ by {found.difference:.1e} at most"
    if found.agreement is not None:
        fraction = found.size / found.exact_size
        yield f"8 bits: {fraction:.0%} of the size of 32, {found.times_as_fast:.2f} times as fast at one text,"
        yield f"  the same prediction for {found.agreement:.2%} of real texts"
