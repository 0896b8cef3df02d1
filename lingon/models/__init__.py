"""Models: one file for each, and the registry that knows them by name."""

__all__ = [
    "awd_lstm",
    "bag_of_vectors",
    "bert",
    "bilstm",
    "bilstm_crf",
    "decoder",
    "encoder",
    "encoder_answerer",
    "encoder_classifier",
    "encoder_parser",
    "encoder_tagger",
    "gpt",
    "lstm",
    "ngrams",
    "option_types",
    "registry",
    "self_attentive",
    "static",
    "textcnn",
    "vgg",
]
