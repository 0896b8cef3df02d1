"""Copy mechanism (pointer-generator): tokens are generated, or copied from the source, including unknown words."""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.cross_attention_cache import LayerMemory
from lingon.layers.recurrent_attention import masked_weights

LEAST = 1e-12  # added to probabilities before taking the logarithm


class CopyHead(nn.Module):
    """p(token) = g * softmax(output(hidden)) + (1 - g) * attention to the token's occurrences in the source.

    g = sigmoid(switch(hidden)). output: the output layer of the vocabulary. memory_width: of the source's vectors.
    extended_vocab: number of ids from `vocab_size` on for the unknown words of a source; they mean other words in each
    source.
    Source: See et al. 2017, "Get To The Point: Summarization with Pointer-Generator Networks", section 2.2. There the
    decoder's own attention is used for copying, and g depends on more than the hidden state; here a separate attention
    is used, so that any decoder can copy.
    """

    def __init__(self, output: nn.Linear, memory_width: int, extended_vocab: int):
        super().__init__()
        width = output.in_features
        self.output, self.extended_vocab = output, extended_vocab
        self.query, self.key = OneDNNLinear(width, width), OneDNNLinear(memory_width, width, bias=False)
        self.switch = nn.Linear(width, 1)

    def keys_values(self, memory: Float[Tensor, "M S E"]) -> tuple[Float[Tensor, "M 1 S D"], Float[Tensor, "M 1 S 0"]]:
        """Return the keys for pointing at source tokens, and empty values, since no values are needed."""
        keys = self.key(memory)[:, None]
        return keys, keys[..., :0]

    def pointing(
        self, hidden: Float[Tensor, "B T D"], memory: LayerMemory, ids: Int[Tensor, "M S"]
    ) -> Float[Tensor, "B T W"]:
        """Return hidden states concatenated with the attention weights of S source tokens and their ids.

        So such a state suffices to compute the probabilities; W is D + 2 S. ids: of the sources.
        """
        weights = self.weights(hidden, memory)
        if memory.rows is not None:
            ids = ids[memory.rows.numbers.to(ids.device)]
        where = ids[:, None].expand(-1, hidden.shape[1], -1).float()  # exact: ids are below 2 ** 24
        return torch.cat([hidden.float(), weights, where], -1)

    def weights(self, hidden: Float[Tensor, "B T D"], memory: LayerMemory) -> Float[Tensor, "B T S"]:
        """Return the attention weights of each hidden state over the tokens of its source."""
        scale = self.output.in_features**-0.5
        found = masked_weights(lambda q: q * scale @ memory.keys[:, 0].transpose(1, 2), self.query(hidden), memory)
        return (found if memory.rows is None else memory.rows.divided(found))[:, 0]

    def forward(self, pointing: Float[Tensor, "... W"]) -> Float[Tensor, "... E"]:
        """Return the log-probability of each token of the vocabulary, then of each unknown word of the source."""
        width = self.output.in_features
        columns = (pointing.shape[-1] - width) // 2
        hidden, weights, ids = pointing.split([width, columns, columns], -1)
        return (self.shares(hidden, weights, ids.long()) + LEAST).log()

    def shares(
        self, hidden: Float[Tensor, "... D"], weights: Float[Tensor, "... S"], ids: Int[Tensor, "... S"]
    ) -> Float[Tensor, "... E"]:
        """Return probabilities from hidden states, their weights over the source tokens, and the ids of these."""
        said = torch.sigmoid(self.switch(hidden).float())
        shares = F.pad(said * self.output(hidden).float().softmax(-1), (0, self.extended_vocab))
        return shares.scatter_add(-1, ids, (1 - said) * weights)
