"""Examples to evaluate a task on, of the shape that its row in the registry names: a corpus, or a file of the user."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lingon.core.errors import UserError
from lingon.data.files.lines import FileOptions
from lingon.recipes.file_settings import bad_rows
from lingon.recipes.tagged_settings import scheme_of_flag
from lingon.tasks.registry import row_of
from lingon.tasks.task_row import DataShape

DEFAULTS = FileOptions()


@dataclass(frozen=True)
class Asked:
    """Request for examples. split: None is the test part of a corpus, and all of a file or folder."""

    data: str
    split: str | None = None
    text: str | None = None
    label: str | None = None
    on_bad_row: str = "stop"
    options: FileOptions = DEFAULTS
    accept_licence: bool = False
    text_pair: str | None = None
    column: str | None = None
    tag_scheme: str | None = None
    target: str | None = None
    languages: tuple[str | None, str | None] = (None, None)
    images: str | None = None


def read_examples(task: Any, asked: Asked) -> Any:
    """Return the examples for `task.evaluate`. Raises UserError or DataError naming what is not there or not read."""
    return READERS[row_of(task.name).data](task, asked)


def _labelled_texts(task: Any, asked: Asked) -> Any:
    """Texts with labels, of which a file may hold only those that the task knows, where it has `labels`."""
    from lingon.data.load_data import load_part

    known, kind, pair = getattr(task, "labels", None), problem_type_of_task(task), asked.text_pair
    if getattr(task, "text_pair", False) != (pair is not None):
        said = "--text-pair: this model reads single texts" if pair else "this model reads pairs; give --text-pair too"
        raise UserError(said)
    rows = bad_rows(asked.on_bad_row)
    return load_part(asked.data, asked.split, asked.text, asked.label, rows, known, asked.options, kind, pair)


def problem_type_of_task(task: Any) -> Any:
    """Return what the labels are that a task was trained on; None where it does not say."""
    return getattr(getattr(task, "targets", None), "problem_type", None)


def _running_text(task: Any, asked: Asked) -> list[str]:
    """Documents, one by one."""
    from lingon.data.running_text import is_corpus, read_documents

    split = asked.split or ("test" if is_corpus(asked.data) else "all")
    found = list(read_documents([asked.data], split, asked.accept_licence, asked.text, asked.options))
    if not any(found):
        raise UserError(f"{asked.data}: its part {split!r} has no text")
    return found


def _pairs_of_texts(task: Any, asked: Asked) -> Any:
    """A collection for search; or pairs of texts, or texts with labels: a corpus's test part, or all of a table."""
    from lingon.data.load_collection import is_collection, read_collection
    from lingon.data.load_pairs import holds_pairs, load_pairs

    rows = bad_rows(asked.on_bad_row)
    if is_collection(asked.data):
        if asked.text or asked.label or asked.text_pair:
            raise UserError(f"{asked.data} is a collection for search; leave --text, --text-pair and --label out")
        return read_collection(asked.data, asked.split, rows, asked.options)
    columns = (asked.text, asked.label, rows, asked.options)
    if holds_pairs(asked.data, asked.text, asked.text_pair, asked.options):
        return load_pairs(asked.data, asked.split, *columns, asked.text_pair)
    from lingon.data.load_data import load_part

    return load_part(asked.data, asked.split, asked.text, asked.label, rows, None, asked.options, "single-label")


def _questions(task: Any, asked: Asked) -> Any:
    """Questions with answers: a corpus's test part, or all of a file."""
    from lingon.data.load_questions import load_questions

    return load_questions(asked.data, asked.split, bad_rows(asked.on_bad_row), asked.options)


def _trees(task: Any, asked: Asked) -> Any:
    """Dependency trees: a treebank's test part, or all of a file."""
    from lingon.data.load_trees import load_trees

    return load_trees(asked.data, asked.split, asked.options.encoding, bad_rows(asked.on_bad_row))


def _tagged_sentences(task: Any, asked: Asked) -> Any:
    """Sentences with tags: a corpus's test part, or all of a file."""
    from lingon.data.load_tagged import load_tagged

    scheme, rows = scheme_of_flag(asked.tag_scheme), bad_rows(asked.on_bad_row)
    return load_tagged(asked.data, asked.split, asked.column, scheme, on_bad_row=rows, options=asked.options)


def _parallel_texts(task: Any, asked: Asked) -> Any:
    """Pairs of source and target as they are, in the languages that are asked for: a test part, or all of a file."""
    from lingon.data.files.open_parallel import ParallelReading
    from lingon.data.load_parallel import load_parallel

    reading = ParallelReading(asked.text, asked.target, asked.languages, bad_rows(asked.on_bad_row), asked.options)
    return load_parallel(asked.data, asked.split, reading)


def _conversations(task: Any, asked: Asked) -> Any:
    """Conversations or preferences: all of a file, or a part as training cuts it."""
    from lingon.data.load_conversations import load_conversations

    return load_conversations(asked.data, asked.split, bad_rows(asked.on_bad_row), asked.options)


def _questions_on_images(task: Any, asked: Asked) -> Any:
    """Questions on images of the size that the task sees: a corpus's test part, or all of a table."""
    from lingon.data.load_image_questions import load_image_questions

    rows, size = bad_rows(asked.on_bad_row), task.image_size
    return load_image_questions(asked.data, asked.split, rows, asked.options, size)


def _captioned_images(task: Any, asked: Asked) -> Any:
    """Images with captions, in the size and the language of the task: a set's test part, or all of a table."""
    from lingon.data.corpora.captioned_images import CAPTIONED
    from lingon.data.load_captions import load_captions

    several = asked.data in CAPTIONED and len(CAPTIONED[asked.data].languages) > 1
    language, rows = task.language if several else None, bad_rows(asked.on_bad_row)
    return load_captions(asked.data, asked.split, task.size, language, rows, asked.options)


def _labelled_images(task: Any, asked: Asked) -> Any:
    """Images with labels, in the layout of the model: a set's test part, or those of a folder."""
    from lingon.data.load_images import load_image_part

    for name in ("text", "label", "text_pair"):
        if getattr(asked, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} is for texts, and this model reads images; leave it out")
    return load_image_part(asked.data, asked.split, task.layout, task.labels, bad_rows(asked.on_bad_row))


def _images(task: Any, asked: Asked) -> Any:
    """Images by name: all of a folder or set, or a part as training divides."""
    from lingon.data.image_collection import load_images_of_part

    return load_images_of_part(asked.data, asked.split)


def _images_with_boxes(task: Any, asked: Asked) -> Any:
    """Images with boxes: the test part, or all where there are no parts."""
    from lingon.data.load_boxes import load_boxes

    return load_boxes(asked.data, asked.split, asked.images, bad_rows(asked.on_bad_row))


def _images_with_masks(task: Any, asked: Asked) -> Any:
    """Images with masks, in the size and with the classes of the task: a part of scenes, or all of a folder."""
    from lingon.data.load_masks import load_masked_images

    return load_masked_images(asked.data, asked.split, task.size, task.classes)


READERS: dict[DataShape, Callable[[Any, Asked], Any]] = {
    "labelled texts": _labelled_texts,
    "running text": _running_text,
    "pairs of texts": _pairs_of_texts,
    "questions": _questions,
    "trees": _trees,
    "tagged sentences": _tagged_sentences,
    "parallel texts": _parallel_texts,
    "conversations": _conversations,
    "questions on images": _questions_on_images,
    "captioned images": _captioned_images,
    "labelled images": _labelled_images,
    "images": _images,
    "images with boxes": _images_with_boxes,
    "images with masks": _images_with_masks,
}
