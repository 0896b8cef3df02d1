"""Translation: a text of one language, or style, becomes a text of another."""
