"""The configuration of an image classifier in a bundle: checked before anything is loaded, and shown on the card."""

from collections.abc import Mapping
from typing import Any

from lingon.core.config_keys import want
from lingon.core.errors import DataError
from lingon.core.markdown import plain
from lingon.data.image_layout import CHANNELS, FITS
from lingon.tasks.classify.targets import SingleLabel
from lingon.tasks.task import Card

KEYS = ("height", "width", "channels", "fit")
MOST = 4096  # pixels of a side
FIT = {"crop": "their middle is read", "pad": "they are read whole, on white", "stretch": "they are stretched"}


def check_config(config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise DataError naming the key that is wrong; see `lingon.tasks.task.Task.check_config`."""
    labels = want(config, "labels", list, "a list of labels")
    outputs = SingleLabel.check_config(labels, want(config, "targets", dict, "an object"))
    image = want(config, "image", dict, "an object")
    if set(image) != set(KEYS):
        raise DataError(f"key 'image' has {sorted(map(str, image))[:6]}, expected {', '.join(KEYS)}")
    for key in ("height", "width"):
        if not 1 <= want(image, key, int, "a whole number") <= MOST:
            raise DataError(f"key {key!r} is {image[key]}, expected 1 to {MOST:,} pixels")
    if want(image, "channels", int, "a whole number") not in CHANNELS or image["fit"] not in FITS:
        raise DataError(f"key 'image' is {str(image)[:80]}; channels are 1 or 3, fit is one of {', '.join(FITS)}")
    own = sizes["model"]
    wanted = {"classes": outputs, "channels": image["channels"], "image_height": image["height"]}
    for key, value in (wanted | {"image_width": image["width"]}).items():
        if type(own.get(key)) is int and own[key] != value:
            raise DataError(f"key {key!r} of the model is {own[key]}, but labels and image make it {value}")


def card(model: str, config: Mapping[str, Any]) -> Card:
    """Return the content of the model card: the labels, and how an image is read."""
    labels, image = config["labels"], config["image"]
    more = f" and {len(labels) - 20} more" if len(labels) > 20 else ""
    colours = "grey" if image["channels"] == 1 else "RGB"
    facts = [
        f"- **Labels**: {', '.join(map(plain, labels[:20]))}{more}.",
        f"- **Reads** {colours} images of {image['height']} x {image['width']} pixels; of others {FIT[image['fit']]}.",
        "- **Limits**: it has seen only images like those it was trained on, and knows no other label.",
    ]
    title = f"# {model}: {' or '.join(map(plain, labels[:6]))}"
    return Card(title, "An image classifier,", facts, '.predict("photo.png")')
