"""What `lingon export` prints."""

from collections.abc import Iterator


def lines_of_export(found) -> Iterator[str]:
    """Yield what was written and the largest difference of its output; with 8 bits its size, agreement and speed."""
    size = f"{found.size / 1e6:.1f} MB"
    yield f"wrote {found.folder}: {size}; {found.output_name} differ by {found.difference:.1e} at most"
    if found.agreement is not None:
        fraction = found.size / found.exact_size
        yield f"8 bits: {fraction:.0%} of the size of 32, {found.times_as_fast:.2f} times as fast at one text,"
        yield f"  {found.agreement_name} is {found.agreement:.4f}"
