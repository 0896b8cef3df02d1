"""Captioned images as batches: ids of captions, each with the end token, beside the image of each."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.data.batches import Augment, Images, Loader, SequentialOrder, Shuffled, TokenIds
from lingon.data.captioned_images import CaptionedImages
from lingon.tasks.caption.columns import ImagesOfCaptions

if TYPE_CHECKING:
    from lingon.tasks.caption.captioner import Captioner

ROWS_AT_ONCE = 64  # captions of a batch whose loss is only looked at


@dataclass(frozen=True, eq=False)
class EncodedCaptions:
    """Captions as ids, and the image of each. left_out: how many were longer than the model writes."""

    images: CaptionedImages
    ids: list[list[int]]
    owners: list[int]
    left_out: int = 0

    def batches(
        self, pad_id: int, batch_size: int, augment: Augment | None, seed: int, rank: int = 0, world: int = 1
    ) -> Loader:
        """Return shuffled batches to train on: images, target_ids and target_mask."""
        columns = self._columns(pad_id, augment, seed)
        return Loader(columns, Shuffled(len(self.ids), batch_size, seed), rank, world)

    def sequential(self, pad_id: int) -> Loader:
        """Return all rows once, in their order, without augmentation."""
        return Loader(self._columns(pad_id), SequentialOrder(len(self.ids), ROWS_AT_ONCE))

    def _columns(self, pad_id: int, augment: Augment | None = None, seed: int = 0) -> dict:
        images = ImagesOfCaptions(Images(self.images.pixels, augment, seed), self.owners)
        return {"images": images, "captions": TokenIds(self.ids, pad=pad_id, prefix="target_")}


def encode_captions(captioner: "Captioner", images: CaptionedImages) -> EncodedCaptions:
    """Return the captions of images as ids, without those that are longer than the model writes.

    Raises UserError where none is left.
    """
    owners = [i for i, some in enumerate(images.captions) for _ in some]
    ids, most = captioner.tokenizer.encode_batch(images.texts), captioner.model.context_length - 1
    kept = [row for row, one in enumerate(ids) if len(one) <= most]
    if not kept:
        raise UserError(
            f"of {counted(len(ids), 'caption')} none has at most {most} tokens; shorten them or raise --context-length"
        )
    return EncodedCaptions(images, [ids[i] for i in kept], [owners[i] for i in kept], len(ids) - len(kept))


def tell_left_out(encoded: EncodedCaptions) -> None:
    """Say on stderr how many captions are too long."""
    if encoded.left_out:
        total = len(encoded.ids) + encoded.left_out
        print(
            f"{encoded.left_out:,} of {counted(total, 'caption')} to train on are too long and left out",
            file=sys.stderr,
        )
