"""Word vectors: trained, read from files and written to them, and asked."""
