"""Converts the weights of a Transformer, or of BART and related models, to the model specification of CTranslate2."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lingon.core.errors import UserError
from lingon.layers.feedforward import FeedForward, gelu_tanh
from lingon.layers.residual import PostNorm, PreNorm

NEVER = -1e4  # added to the logit of a token that is never generated; it fits into float16


def check_supported(model: Any, name: str) -> None:
    """Raise UserError, with the model's name, for a model that CTranslate2 does not support."""
    stacks = getattr(model, "encoder", None), getattr(model, "decoder", None)
    blocks = [block for stack in stacks if isinstance(stack, nn.ModuleList) for block in stack]
    plain = all(isinstance(getattr(block, "feed_forward", None), FeedForward) for block in blocks)
    normed = all(isinstance(norm_of(getattr(block, "around_attention", None)), nn.LayerNorm) for block in blocks)
    if not blocks or not plain or not normed or not hasattr(model, "positions"):
        raise UserError(
            f"a model of the kind {name!r} is not exported to ctranslate2, which is for the Transformer, BART, mBART, "
            "Marian and M2M100; export --to onnx"
        )


def spec_of(model: Any, forbidden: Tensor) -> Any:
    """Return CTranslate2's specification of a model with its weights. forbidden: ids that are never generated.

    Raises UserError for an activation that CTranslate2 does not have.
    """
    from ctranslate2.specs import transformer_spec

    pre_norm = isinstance(model.encoder[0].around_attention, PreNorm)
    normed = isinstance(getattr(model, "embedding_norm", None), nn.LayerNorm)
    how: dict[str, Any] = {"pre_norm": pre_norm, "layernorm_embedding": normed}
    how |= {"activation": activation_of(model.encoder[0].feed_forward.activation)}
    encoder, decoder = (
        kind(len(blocks), blocks[0].attention.heads, **how)
        for kind, blocks in (
            (transformer_spec.TransformerEncoderSpec, model.encoder),
            (transformer_spec.TransformerDecoderSpec, model.decoder),
        )
    )
    spec = transformer_spec.TransformerSpec(encoder, decoder)
    positions = getattr(model, "source_positions", model.positions)
    _set_ends(spec.encoder, spec.encoder.embeddings[0], model, "source_", "encoder_norm", positions)
    _set_ends(spec.decoder, spec.decoder.embeddings, model, "", "decoder_norm", model.positions)
    for layer, block in zip(spec.encoder.layer, model.encoder, strict=True):
        _set_block(layer, block)
    for layer, block in zip(spec.decoder.layer, model.decoder, strict=True):
        _set_block(layer, block)
        cross = block.cross_attention
        for linear, own in zip(layer.attention.linear, (cross.q, cross.kv, cross.out), strict=True):
            _set_linear(linear, own)
        _set_norm(layer.attention.layer_norm, norm_of(block.around_cross_attention))
    _set_output(spec.decoder.projection, model, forbidden)
    spec.config.layer_norm_epsilon = norm_of(model.encoder[0].around_attention).eps
    return spec


def norm_of(residual: Any) -> Any:
    """Return the norm of a residual connection, before or after it."""
    if isinstance(residual, PreNorm):
        return residual.pre_norm
    return residual.post_norm if isinstance(residual, PostNorm) else None


def activation_of(function: Any) -> Any:
    """Return CTranslate2's id of an activation. Raises UserError if it has none."""
    from ctranslate2.specs.common_spec import Activation

    known = {F.relu: Activation.RELU, F.gelu: Activation.GELU, F.silu: Activation.SWISH}
    if function is gelu_tanh:
        return Activation.GELUTanh
    if function not in known:
        raise UserError(f"the activation {function} is not one of CTranslate2; export --to onnx")
    return known[function]


def _set_ends(side: Any, embedding: Any, model: Any, prefix: str, last: str, positions: Any) -> None:
    """Set the layers before and after the blocks of a side. prefix: of the names of the model's modules."""
    own = getattr(model, f"{prefix}embedding")
    embedding.weight = own.weight.detach().numpy()
    side.scale_embeddings = float(getattr(model, "embedding_scale", own.embedding_dim**0.5))
    length = model.source_length if prefix else model.context_length
    if not isinstance(positions, Tensor):
        positions = positions(slice(0, length), own.weight)
    side.position_encodings.encodings = positions[:length].detach().float().numpy()
    if hasattr(side, "layernorm_embedding"):
        _set_norm(side.layernorm_embedding, getattr(model, f"{prefix}embedding_norm"))
    if hasattr(side, "layer_norm"):
        _set_norm(side.layer_norm, getattr(model, last))


def _set_block(layer: Any, block: Any) -> None:
    for linear, own in zip(layer.self_attention.linear, (block.attention.qkv, block.attention.out), strict=True):
        _set_linear(linear, own)
    _set_norm(layer.self_attention.layer_norm, norm_of(block.around_attention))
    _set_linear(layer.ffn.linear_0, block.feed_forward.up)
    _set_linear(layer.ffn.linear_1, block.feed_forward.down)
    _set_norm(layer.ffn.layer_norm, norm_of(block.around_feed_forward))


def _set_output(projection: Any, model: Any, forbidden: Tensor) -> None:
    rows = len(model.output.weight)
    bias = torch.zeros(rows) if model.output.bias is None else model.output.bias.detach().clone()
    more = getattr(model, "output_bias", None)  # of BART, stored as a row
    bias = bias if more is None else bias + more.detach()[0]
    bias[forbidden] += NEVER
    projection.weight, projection.bias = model.output.weight.detach().numpy(), bias.numpy()


def _set_linear(linear: Any, own: nn.Linear) -> None:
    linear.weight = own.weight.detach().numpy()
    if own.bias is not None:
        linear.bias = own.bias.detach().numpy()


def _set_norm(norm: Any, own: nn.LayerNorm) -> None:
    norm.gamma, norm.beta = own.weight.detach().numpy(), own.bias.detach().numpy()
