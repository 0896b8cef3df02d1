"""One text at a time: the exported ONNX file in onnxruntime against the model in PyTorch as it is."""

from collections.abc import Iterator

from benchmarks.bulk_prediction import cut_of
from benchmarks.context import Context
from benchmarks.machine import THREADS, versions
from benchmarks.measure import paired
from benchmarks.result import Result, speed
from benchmarks.reviews import imdb, sample, tokenizer_of
from benchmarks.worker import Worker, exchange

BAR, TOLERANCE = 1, 1e-4
MODELS = {"ngrams": 2000, "bag": 2000, "textcnn": 100, "bilstm": 50, "self_attentive": 50}  # and reviews in a turn
PEER = "PyTorch, the model as it is"


def compare(context: Context) -> Iterator[Result]:
    """One result: each model of the recipe's sizes, reviews cut as the recipe cuts them, from ids to logits."""
    splits = imdb()
    tokenizer = context.folder / "tokenizer.json"
    tokenizer_of(splits.train).save(tokenizer)
    rows, details = [], {}
    for model, count in MODELS.items():
        texts = exchange(context.folder, "texts", sample(splits.test, context.size(count, 20), "one").texts)
        start = {"model": model, "config": {}, "tokenizer": str(tokenizer), "texts": texts, "threads": THREADS}
        start["length"] = cut_of(model, len(splits.train))
        with Worker("one_text") as ours, Worker("one_text") as theirs:
            for worker in (ours, theirs):
                worker.ask("start", start)
            ours.ask("export", {"threads": THREADS})
            pairs = paired(ours.seconds, theirs.seconds, context.pairs, context.warmups)
            found, expected = ours.ask("found")["found"], theirs.ask("found")["found"]
        apart = max(abs(a - b) for x, y in zip(found, expected, strict=True) for a, b in zip(x, y, strict=True))
        if apart > TOLERANCE:
            raise AssertionError(f"{model}: logits differ by {apart:.1e}, more than {TOLERANCE:.0e}")
        what = f"one review at a time, {model.replace('_', '-')}, exported to ONNX"
        rows.append(speed(what, "reviews/s", len(found), pairs, PEER, BAR))
        details[model] = {"largest_difference": apart, "seconds": {"ours": pairs.ours, "theirs": pairs.theirs}}
    yield Result("onnx-batch-one", rows, details, versions("onnxruntime"))
