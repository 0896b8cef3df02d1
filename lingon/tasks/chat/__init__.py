"""Chat: a language model that answers in conversations, and is tuned on them."""
