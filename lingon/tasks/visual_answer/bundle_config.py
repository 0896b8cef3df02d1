"""The configuration of a visual question answerer: checked before anything is loaded, and shown on the card."""

from collections.abc import Mapping
from typing import Any

from lingon.core.config_keys import want
from lingon.core.counted import counted
from lingon.core.errors import DataError
from lingon.core.markdown import plain
from lingon.tasks.task import Card

SHOWN = 30  # answers on the card
SMALLEST, LARGEST = 8, 1024  # pixels of a side


def check_config(config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise DataError naming the key that is wrong; see `lingon.tasks.task.Task.check_config`."""
    names = want(config, "answers", list, "a list of answers")
    texts = [name for name in names if isinstance(name, str) and name.isprintable()]
    if not names or len(texts) < len(names) or len({*texts}) < len(texts):
        raise DataError("key 'answers' must hold different printable answers, one or more")
    size = want(config, "image_size", list, "a height and a width in pixels")
    if len(size) != 2 or any(type(side) is not int or not SMALLEST <= side <= LARGEST for side in size):
        raise DataError(f"key 'image_size' is {str(size)[:40]}, expected two numbers from {SMALLEST} to {LARGEST}")
    model = sizes["model"]
    if model.get("classes", len(names)) != len(names):
        raise DataError(
            f"{counted(len(names), 'answer')} for a model of {model['classes']}; keys 'answers' and 'classes'"
        )
    if [model.get("image_height", size[0]), model.get("image_width", size[1])] != size:
        raise DataError("key 'image_size' is another than 'image_height' and 'image_width' of the model")


def card(model: str, config: Mapping[str, Any]) -> Card:
    """Return the content of the model card: the answers, and the size of images."""
    names, (height, width) = config["answers"], config["image_size"]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    facts = [
        f"- **Answers**: {', '.join(map(plain, names[:SHOWN]))}{more}; it gives no others.",
        f"- **Sees** an image as {height} x {width} pixels.",
    ]
    return Card(f"# {model}: questions on images", "A visual question answerer", facts,
                '.predict([("photo.png", "What colour is the circle?")])')  # fmt: skip
