"""The command line: one door to everything."""
