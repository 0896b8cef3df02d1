"""The command: python -m benchmarks [NAME ...] [--all] [--peer NAME] [--seeds 0,1,2 [--add]], and ... table."""

import argparse
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from benchmarks import table
from benchmarks.context import Context
from benchmarks.environments import peers
from benchmarks.machine import THREADS, thread_limits
from benchmarks.result import RESULTS, write
from benchmarks.seeds import EXTENDED
from lingon.core.errors import UserError, unknown
from lingon.core.files import cache_dir

# What can be measured, in the order of --all: the module, and the peers it needs.
COMPARISONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "start-up": ("start_up", ()),
    "bulk": ("bulk_prediction", ()),
    "training": ("training_speed", ("mxnet",)),
    "ngrams": ("ngrams", ("fasttext",)),
    "fine-tuning-quality": ("fine_tuning_quality", ()),  # before the name that it begins with
    "fine-tuning": ("fine_tuning", ("transformers-trainer",)),
    "answers": ("answers", ()),
    "pretraining": ("pretraining", ()),
    "own-csv": ("own_csv", ("scikit-learn",)),
    "small-data": ("small_data", ("scikit-learn",)),
    "several-labels": ("several_labels", ("scikit-learn",)),
    "vader": ("vader", ("scikit-learn",)),
    "file-to-bundle": ("file_to_bundle", ()),
    "language-model": ("language_model", ("mxnet",)),
    "nanogpt": ("nanogpt", ()),
    "quality": ("quality", ("scikit-learn", "fasttext")),
    "text-quality": ("text_quality", ()),
    "generation": ("generation", ("transformers",)),
    "encoding": ("encoding", ("sentence-transformers",)),
    "onnx-batch-one": ("onnx_batch_one", ()),
    "portable": ("portable", ()),
    "first-prediction": ("first_prediction", ()),
    "program-chains": ("program_chains", ()),
    "vector-questions": ("vector_questions", ("gensim",)),
    "word-vectors": ("word_vectors", ("gensim", "fasttext")),
    "cranfield": ("cranfield", ()),
    "parsing": ("parsing", ()),
    "segmentation": ("segmentation", ()),
    "detection": ("detection", ()),
    "tagging": ("tagging", ("spacy",)),
    "rewriting": ("rewriting", ()),
    "synthesis": ("synthesis", ()),
    "translating": ("translating", ("transformers", "ctranslate2")),
    "adaptation": ("adaptation", ()),
    "style-transfer": ("style_transfer", ()),
    "search-speed": ("search_speed", ()),
    "seq2seq-training": ("seq2seq_training", ("joeynmt",)),
    "translation-quality": ("translation_quality", ("joeynmt",)),
    "fashion-mnist": ("fashion_mnist", ()),
    "image-training": ("image_training", ()),
    "captions": ("captions", ()),
    "vqa": ("vqa", ()),
}


def main(arguments: list[str] | None = None) -> int:
    """Runs comparisons, each written as soon as it is done. Returns 1 when one of them failed, after all have run."""
    options = _options(arguments)
    if options.names == ["table"]:
        print(table.table(table.results(options.results)))
        if options.write:
            table.rewrite(options.results)
        return 0
    folder = options.results
    if options.quick and folder == RESULTS:
        folder = cache_dir() / "benchmarks" / "quick"  # figures of quick runs never stand beside real ones
    wanted = chosen(options.names, options.peer, options.all)
    asked = {name: parts_of(name, options.names) for name in wanted}
    seeds = seeds_of(options.seeds)[: 1 if options.quick else None]
    if options.add and (others := sorted(set(wanted) - set(EXTENDED))):
        raise UserError(f"--add is for {', '.join(EXTENDED)}; measure {', '.join(others)} without it")
    add = folder if options.add else None
    failed = [name for name in wanted if not _run(name, folder, (options.quick, asked[name], seeds, add))]
    print(f"\n{table.table(table.results(folder))}")
    if folder == RESULTS:
        table.rewrite()
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def chosen(names: list[str], peer: str | None, everything: bool) -> list[str]:
    """The comparisons that were asked for. The name of a result, such as training-bilstm, means its own."""
    if peer is not None and peer not in peers():
        raise unknown("peer", peer, peers())
    wanted = {_comparison_of(name) for name in names}
    if not wanted and not everything and peer is None:
        raise UserError(f"say what to measure: {', '.join(COMPARISONS)}, --peer NAME or --all")
    return [
        name
        for name, (_, needed) in COMPARISONS.items()
        if (name in wanted or not wanted) and (peer is None or peer in needed)
    ]


def parts_of(comparison: str, names: list[str]) -> tuple[str, ...]:
    """The results of a comparison that were asked for by their own names; none means all."""
    return () if comparison in names else tuple(name for name in names if _comparison_of(name) == comparison)


def _comparison_of(name: str) -> str:
    for known in COMPARISONS:
        if name == known or name.startswith(f"{known}-"):
            return known
    raise unknown("comparison", name, COMPARISONS)


def seeds_of(given: str) -> tuple[int, ...]:
    """The seeds of "0,1,2". Raises UserError when they are no numbers, or one is there twice."""
    try:
        seeds = tuple(int(seed) for seed in given.split(","))
    except ValueError:
        raise UserError(f"--seeds is {given!r}, it must be whole numbers with commas between them, as 0,1,2") from None
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise UserError(f"--seeds is {given!r}; each seed once, 0 or more")
    return seeds


def _run(name: str, folder: Path, asked: tuple[bool, tuple[str, ...], tuple[int, ...], Path | None]) -> bool:
    quick, parts, seeds, add = asked
    begun = time.perf_counter()
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="lingon-benchmark-") as scratch:
            compare = import_module(f"benchmarks.{COMPARISONS[name][0]}").compare
            written = []
            for result in compare(Context(Path(scratch), quick, parts, seeds, add)):
                written.append(write(result, folder, quick))
                print(f"  {written[-1]}", file=sys.stderr, flush=True)
        if not written:
            raise UserError(f"it makes no result named {' or '.join(parts)}")
    except Exception as error:  # the others are still worth having
        print(f"{name} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return False
    print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    return True


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure Lingon beside its peers.")
    parser.add_argument("names", nargs="*", help=f"{', '.join(COMPARISONS)}; or table, which prints all results")
    parser.add_argument("--all", action="store_true", help="everything")
    parser.add_argument("--peer", help=f"only what compares with one of {', '.join(peers())}")
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--seeds", default="0,1,2", help="one training for each, where there is training; 0,1,2")
    parser.add_argument("--add", action="store_true", help="keep the runs of the result file, train missing seeds")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of the JSON files")
    parser.add_argument("--write", action="store_true", help="with table: put it into docs/benchmarks.md and README.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    import os

    os.environ.update(thread_limits(THREADS))
    try:
        sys.exit(main())
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
