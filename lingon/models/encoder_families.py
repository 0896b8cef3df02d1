"""Families of published encoders, each from the `config.json` of its checkpoints; `hub_families.py` lists them."""

from lingon.models.bert import BERT
from lingon.models.config_sizes import ConfigReader
from lingon.models.decoder_families import ACTIVATIONS, DEEPEST


def bert(sizes: ConfigReader) -> BERT:
    """Build BERT (Devlin et al. 2019)."""
    return _bert(sizes)


def roberta(sizes: ConfigReader) -> BERT:
    """Build RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020): positions start after the padding id."""
    return _bert(sizes, offset=sizes.integer("pad_token_id", 1, least=0) + 1, types=1)


def electra(sizes: ConfigReader) -> BERT:
    """Build ELECTRA (Clark et al. 2020): token embeddings may be narrower than the layers."""
    return _bert(sizes, embedding_width=sizes.integer("embedding_size", 128, most=1 << 16))


def distilbert(sizes: ConfigReader) -> BERT:
    """Build DistilBERT (Sanh et al. 2019): BERT without token types, with other keys in config.json."""
    width, heads = sizes.integer("dim", 768, most=1 << 16), sizes.integer("n_heads", 12, most=1024)
    _check_heads(sizes, "n_heads", width, heads)
    return BERT(
        sizes.integer("vocab_size", 30_522),
        width,
        sizes.integer("n_layers", 6, most=DEEPEST),
        heads,
        sizes.integer("max_position_embeddings", 512),
        sizes.integer("hidden_dim", 4 * 768, most=1 << 20),
        sizes.as_dict(),
        dropout=(sizes.fraction("dropout", 0.1), sizes.fraction("attention_dropout", 0.1)),
        activation=ACTIVATIONS[sizes.choice("activation", "gelu", ACTIVATIONS)],
        token_types=0,
    )


def _bert(sizes: ConfigReader, offset: int = 0, types: int = 2, embedding_width: int | None = None) -> BERT:
    # Other types, relative_key and relative_key_query, have additional weights or terms.
    sizes.choice("position_embedding_type", "absolute", ("absolute",))
    width, heads = sizes.integer("hidden_size", 768, most=1 << 16), sizes.integer("num_attention_heads", 12, most=1024)
    _check_heads(sizes, "num_attention_heads", width, heads)
    positions = sizes.integer("max_position_embeddings", 512)
    if positions <= offset:
        raise sizes.error("max_position_embeddings", positions, f"more than {offset}, the rows before the first token")
    return BERT(
        sizes.integer("vocab_size"),
        width,
        sizes.integer("num_hidden_layers", 12, most=DEEPEST),
        heads,
        positions - offset,
        sizes.integer("intermediate_size", 3072, most=1 << 20),
        sizes.as_dict(),
        dropout=(sizes.fraction("hidden_dropout_prob", 0.1), sizes.fraction("attention_probs_dropout_prob", 0.1)),
        activation=ACTIVATIONS[sizes.choice("hidden_act", "gelu", ACTIVATIONS)],
        epsilon=sizes.number("layer_norm_eps", 1e-12, most=1.0),
        token_types=sizes.integer("type_vocab_size", types, most=1 << 10),
        embedding_width=embedding_width,
        position_offset=offset,
    )


def _check_heads(sizes: ConfigReader, key: str, width: int, heads: int) -> None:
    if width % heads:
        raise sizes.error(key, heads, f"a divisor of the width, which is {width}")
