"""What `lingon export` prints."""

from collections.abc import Iterator


def lines_of_export(found) -> Iterator[str]:
    """What was written, how far it is from the model, and with 8 bits how small, equal and fast it is."""
    yield f"wrote {found.folder}: {found.size / 1e6:.1f} MB; logits differ by {found.difference:.1e} at most"
    if found.agreement is not None:
        share = found.size / found.exact_size
        yield f"8 bits: {share:.0%} of the size of 32, {found.times_as_fast:.2f} times as fast at one text,"
        yield f"  the same label for {found.agreement:.2%} of real texts"
