"""Previews parallel texts: parts, languages, ratios of the lengths of the two sides, some pairs."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.terminal import printable
from lingon.data.clean_parallel import CleaningReport, CleaningRules, learnable, word_count
from lingon.data.corpora.parallel import PARALLEL, load_parallel_corpus
from lingon.data.files.open_parallel import FORMATS, ParallelReading, sides_of_prefix
from lingon.data.files.parallel_tables import holds_pairs_of_texts
from lingon.data.files.table_rows import TABLES, file_suffix
from lingon.data.language_guess import guess_language, suspicions
from lingon.data.load_data import PARTS, tell_lines
from lingon.data.parallel_texts import ParallelTexts
from lingon.data.read_parallel import read_parallel

WIDTH = 300  # characters of a text
BAR = 40  # characters of the longest bar
# Bounds of the ratios that are counted together: target to source, in characters.
BOUNDS = (0, 0.2, 0.5, 0.67, 0.8, 0.9, 1, 1.11, 1.25, 1.5, 2, 5, math.inf)


def is_parallel(path: Path, reading: ParallelReading) -> bool:
    """Return whether a path, or a prefix of two file names, is previewed as parallel texts, not as other data."""
    if reading.target is not None or any(reading.languages):
        return True
    if not path.is_file():
        return not path.exists() and len(sides_of_prefix(path)) > 1
    if file_suffix(path) in TABLES or file_suffix(path) == ".txt":
        return holds_pairs_of_texts(path, reading.files)
    return file_suffix(path) in FORMATS


def show_parallel_corpus(name: str, samples: int) -> str:
    """Return the preview of a corpus: parts, languages, length ratios, and pairs of its test part."""
    row, splits = PARALLEL[name], load_parallel_corpus(name)
    head = [f"{name}: {row.summary}", f"licence: {row.licence}; attribution: {row.attribution}"]
    parts = {part: getattr(splits, part) for part in PARTS}
    return "\n".join([*head, *_described(parts, splits.all()), "", *_samples(splits.test, samples)])


def show_parallel_files(path: Path, reading: ParallelReading, samples: int) -> str:
    """Return the preview of the user's files; what was guessed and left out is reported on stderr."""
    pairs, report = read_parallel(path, reading, to_learn_from=True)
    tell_lines([*report.messages, *report.cleaning.said()])
    head = printable(" and ".join(str(file) for file in (report.file.path, report.file.target_path) if file))
    return "\n".join([head, *_described({"all": pairs}, pairs), "", *_samples(pairs, samples)])


def _described(parts: Mapping[str, ParallelTexts], whole: ParallelTexts) -> list[str]:
    lines = [_languages(whole)]
    for part, pairs in parts.items():
        if len(pairs):
            words = [sum(map(word_count, side)) for side in (pairs.sources, pairs.targets)]
            lines.append(f"{part} {counted(len(pairs), 'pair')}, {words[0]:,} and {counted(words[1], 'word')}")
    rules, report = CleaningRules(), CleaningReport(len(whole))
    learnable(whole, rules, report, lambda i: f"pair {i + 1:,}")
    lines += [f"  not learned from: {line}" for line in report.said()]
    return [*lines, f"  {rules.said()}", *suspicions(whole), "", *_ratios(whole)]


def _languages(pairs: ParallelTexts) -> str:
    said = [
        language or (f"{guess} (guessed)" if (guess := guess_language(side)) else "unknown")
        for language, side in zip(pairs.languages, (pairs.sources, pairs.targets), strict=True)
    ]
    return f"languages: {said[0]} to {said[1]}"


def _ratios(pairs: ParallelTexts) -> list[str]:
    """Return a histogram of the ratio of target to source length, in characters."""
    ratios = sorted(len(target) / len(source) for source, target in pairs)
    counts = Counter(max(i for i, bound in enumerate(BOUNDS) if bound <= ratio) for ratio in ratios)
    top = max(counts.values())
    lines = [f"characters of the target for each of the source: median {ratios[len(ratios) // 2]:.2f}"]
    for i in range(min(counts), max(counts) + 1):
        bar = "#" * math.ceil(BAR * counts[i] / top)
        lines.append(f"  {BOUNDS[i]:>4g} - {BOUNDS[i + 1]:<4g} {counts[i]:9,} {bar}")
    return lines


def _samples(pairs: ParallelTexts, count: int) -> list[str]:
    step = max(1, len(pairs) // max(1, count))
    return [
        line for pair in list(pairs[::step])[:count] for line in (_shown(pair.source), f"    {_shown(pair.target)}", "")
    ]


def _shown(text: str) -> str:
    """Return a text in one line, without control codes, which a terminal would execute."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return printable(text if len(text) <= WIDTH else f"{text[:WIDTH]}...")
