"""Readers and writers of the user's files: tables, texts, archives."""
