"""Batches: columns of a data set, an order of its rows, and the loader that makes resumable batches of the two."""

from lingon.data.batches.augment import Augments, RandomErase, RandomFlip, RandomShift
from lingon.data.batches.augment_boxes import BoxAugments, FlipBoxes, Lighting, ZoomAndShift
from lingon.data.batches.batch import Batch, collate
from lingon.data.batches.by_length import ByLength, text_batches
from lingon.data.batches.by_pair_length import ByPairLength
from lingon.data.batches.columns import Column, Padded, TokenIds, Values
from lingon.data.batches.first_pieces import FirstPieces
from lingon.data.batches.grouped_texts import GroupedTexts
from lingon.data.batches.image_boxes import BoxAugment, ImagesWithBoxes
from lingon.data.batches.images import Augment, Images
from lingon.data.batches.loader import Loader
from lingon.data.batches.masks import ImagesWithMasks
from lingon.data.batches.noise import Noise
from lingon.data.batches.order import Order, SequentialOrder, Shuffled
from lingon.data.batches.token_batches import (
    Contiguous,
    NextTokens,
    ShuffledWindows,
    Tokens,
    contiguous_batches,
    shuffled_windows,
)
from lingon.data.batches.word_characters import WordCharacters

__all__ = [
    "Augment",
    "Augments",
    "Batch",
    "BoxAugment",
    "BoxAugments",
    "ByLength",
    "ByPairLength",
    "Column",
    "Contiguous",
    "FirstPieces",
    "FlipBoxes",
    "GroupedTexts",
    "Images",
    "ImagesWithBoxes",
    "ImagesWithMasks",
    "Lighting",
    "Loader",
    "NextTokens",
    "Noise",
    "Order",
    "Padded",
    "RandomErase",
    "RandomFlip",
    "RandomShift",
    "SequentialOrder",
    "Shuffled",
    "ShuffledWindows",
    "TokenIds",
    "Tokens",
    "Values",
    "WordCharacters",
    "ZoomAndShift",
    "collate",
    "contiguous_batches",
    "shuffled_windows",
    "text_batches",
]
