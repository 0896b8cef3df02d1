"""What a classifier predicts of a text: a file for each kind."""
