"""What the model card of a tagger says."""

from collections.abc import Mapping
from typing import Any

from lingon.core.markdown import plain
from lingon.data.tag_schemes import are_spans, split_tag
from lingon.tasks.task import Card

SHOWN = 20  # names


def card(model: str, config: Mapping[str, Any]) -> Card:
    """Return the card of a tagger with this configuration: its tags, or the types of its spans, and its labels."""
    tags, labels = config["tags"], config["labels"]
    spans = are_spans(tags)
    names = list(dict.fromkeys(split_tag(tag)[1] or tag for tag in tags if tag != "O")) if spans else tags
    facts = [f"- **{'Types of spans' if spans else 'Tags'}**: {_some(names)}."]
    facts += [f"- **Labels** of sentences: {_some(labels)}."] if labels else []
    facts.append("- **Limits**: it was trained on sentences like those of its training data, and knows no other tag.")
    what = "A tagger of spans," if spans else "A tagger of words,"
    return Card(f"# {model}: {_some(names[:4])}", what, facts, '.predict("Your sentence.")')


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(plain, names[:SHOWN])) + more
