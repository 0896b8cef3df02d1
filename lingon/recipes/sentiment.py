"""Sentiment of real film reviews: train, test, look at the mistakes, try sentences of your own."""

from typing import Annotated, Any

from typer import Option

from lingon.core.terminal import printable
from lingon.recipes.classify import classify
from lingon.recipes.settings import Folder, Settings

SENTENCES = [
    "A warm, clever film that I would watch again tomorrow.",
    "The actors try hard, but the story is a bore from start to end.",
    "Not bad at all, though the ending could have been better.",
]


def sentiment(
    data: Annotated[str, Option(help="Film reviews: imdb or rotten-tomatoes.")] = "imdb",
    sentence: Annotated[list[str] | None, Option(help="A sentence to classify at the end; repeat for more.")] = None,
    settings: Settings = Settings(),
    folder: Folder = Folder(out="runs/sentiment"),
) -> dict[str, Any]:
    """Train a classifier on real film reviews, and look at what it learned."""
    record = classify(data, settings=settings, folder=folder)
    import lingon
    from lingon.recipes.summary import extremes, next_steps

    classifier = lingon.load(folder.out, settings.device)
    print(extremes(classifier, lingon.load_data(data).test))
    print("\nYour sentences (change them with --sentence):")
    for found in classifier.predict(sentence or SENTENCES):
        print(printable(f"  {found.label} {found.probability:6.1%}  {found.text}"))
    print(next_steps(folder.out))
    return record
