"""What `lingon ask --image` does: questions to one image, which is read once."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lingon.cli.predict import AT_ONCE, as_they_come
from lingon.cli.predict_images import reads_questions_on_images
from lingon.core.errors import UserError
from lingon.core.strict_json import dumps
from lingon.core.terminal import printable
from lingon.data.files.images import read_image
from lingon.data.image_questions import NamedImage


def ask_image(
    task: Any, image: Path, questions: Iterable[str], bundle: str, top: int, format: str, page: Path | None
) -> None:
    """Print the `top` likeliest answers to each question on an image, and write the page.

    Words that the model does not know are told on stderr. bundle: where the task is from, for messages. Raises
    UserError for a model that reads passages, and for a file that is not there; DataError for one that is not an image.
    """
    if not reads_questions_on_images(task):
        raise UserError(f"{bundle!r} answers questions from passages; give --context FILE in place of --image")
    given, shown = NamedImage(image.name, read_image(image)), []
    for group in as_they_come(questions, AT_ONCE):
        for found in task.top_answers([(given, question) for question in group], top):
            shown.append(found)
            if format == "jsonl":
                for rank, one in enumerate(found, 1):
                    print(dumps({"image": str(image), **one.row(), "rank": rank}), flush=True)
            else:
                print(printable(found[0].question))
                print("\n".join(f"{one.probability:6.1%}  {printable(one.answer_text)}" for one in found), flush=True)
            if found[0].unknown_words:
                words = ", ".join(map(printable, found[0].unknown_words))
                print(f"words that no training question has: {words}", file=sys.stderr)
    if page:
        print(f"wrote {task.write_page_of(page, shown, Path(bundle).name)}", file=sys.stderr)
