"""Feature keys: table row and text of a batch in one 64-bit number, `row << 32 | text`, so that sorting orders both."""

TEXT_BITS = 32
LOW = (1 << TEXT_BITS) - 1  # of a key: the text
