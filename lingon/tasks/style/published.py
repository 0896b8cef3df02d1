"""Published style networks by name, as tasks."""

from lingon.data.corpora.image_weights import STYLES
from lingon.models.style_network import NETS, load_style_network
from lingon.tasks.style.stylizer import Stylizer


def published_stylizer(name: str) -> Stylizer:
    """Return the task of a published network: wave, la-muse or udnie; see `load_style_network`."""
    short = name.removeprefix("style-").replace("_", "-")
    return Stylizer(load_style_network(short), STYLES[short.replace("-", "_")])


def is_published(name: str) -> bool:
    """Return whether this is the name of a published network."""
    return name.removeprefix("style-").replace("_", "-") in NETS
