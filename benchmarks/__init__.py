"""Lingon measured against its peers, side by side: `python -m benchmarks --all` writes results/*.json."""
