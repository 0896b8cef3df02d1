"""No private English: names that the field has its own word for are not defined again."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "lingon").rglob("*.py"))
# What was defined or passed under a name that nobody else uses, and the word of the field that took its place.
DEFINED = {
    "Manner": "SamplingParams",
    "Written": "Generation",
    "Picked": "Token",
    "told": "score_tokens",
    "picked": "sample",
    "drafted": "speculative",
    "contrasted": "contrastive",
    "write_all": "generate_batch",
    "Rule": "LogitsProcessor",
    "Tally": "TokenCounts",
    "Stretch": "a token batch",
    "Lanes": "contiguous order",
    "Windows": "shuffled windows",
    "Carried": "RecurrentState",
    "State": "KVCache, DecoderState or TrainState",
    "Watch": "Evaluation",
    "Cadence": "SaveInterval",
    "hold": "no_sync",
    "bare": "unwrap",
    "spread": "distribute",
    "joined": "process_group",
    "blame": "nonfinite_error",
    "explained": "oom_context",
    "settle": "after_step",
    "tired": "exhausted",
    "through": "run_blocks",
    "begun": "prepare_state",
    "looked_up": "embed",
    "Gated": "GatedFeedForward",
    "Facts": "Metadata",
    "Pieces": "TokenBytes",
    "Drawn": "SampledNegatives",
    "KindError": "ArrayTypeError",
    "PlaceError": "ArrayIndexError",
    "Slope": "Derivative",
    "Together": "WorkerThreads",
    "How": "PlanOptions",
    "documents_of": "read_documents",
    "whole_text": "read_text",
    "wrong_text": "text_problem",
    "for_rows": "for_vocab_size",
    "in_order": "topological_order",
    "on_whole_characters": "widen_to_graphemes",
    "guarded": "call_guarded",
    "agreement": "label_agreement or self_similarity",
    "quiet": "no_progress or silence_torch",
    "pieces_of": "piece_sizes",
    "rows_of": "rows_and_counts",
    "whole": "map_bytes",
    "placed": "TensorInfo by name, or a pattern without anchors",
    "shown": "short_number or token_texts",
    "Reader": "CachedModel",
    "Listed": "ListedData",
}
PASSED = {
    "manner": "params",
    "dice": "rng",
    "chance": "probability",
    "ends": "eos_ids",
    "real": "mask",
    "visible": "attention_mask",
    "watch": "evaluation",
}
# Words that other parts use in their common sense: where they had one of their own.
ONLY_IN = {"Rule": "decoding", "ends": "decoding", "begun": "layers", "through": "layers", "spread": "engine"}
FILES = (
    "beside visible carried packed rows keys ahead room settle words likeness stretches own whole manner written blame "
    "slopes utils helpers common"
)
# Of the command line: flags that are gone, by command; None is every command.
FLAGS = {
    "train": "--rows --tokens --context --clip --accumulate --recompute --shard --size --average --evaluations",
    "generate": "--tokens --repetition --no-repeat --bias --pattern --groups --alternatives --draft --typical",
    "train vectors": "--corpus --parts --sample",
}


def definitions(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((t.id, node.lineno) for t in node.targets if isinstance(t, ast.Name))


def arguments(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.ClassDef):
            fields = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
            yield from ((field.id, field.lineno) for field in fields if isinstance(field, ast.Name))


@pytest.mark.parametrize("find", [(definitions, DEFINED), (arguments, PASSED)], ids=["defined", "passed"])
def test_no_name_of_our_own_stands_for_what_the_field_has_a_word_for(find):
    names, table = find
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}, say {table[name]}"
        for path in SOURCES
        for name, line in names(ast.parse(path.read_text(encoding="utf-8")))
        if name in table and ONLY_IN.get(name, "") in (*path.parts, "")
    ]
    assert found == []


def test_a_file_is_named_after_what_is_in_it():
    assert [str(path.relative_to(ROOT)) for path in SOURCES if path.stem in FILES.split()] == []


def options(command, path=()):
    yield " ".join(path), {name for parameter in command.params for name in parameter.opts}
    for name, inner in getattr(command, "commands", {}).items():
        yield from options(inner, (*path, name))


def test_no_flag_of_our_own_stands_for_what_others_have_a_flag_for():
    import typer

    from lingon.cli.app import app

    commands = dict(options(typer.main.get_command(app)))
    assert "plan" not in commands
    assert "score" not in commands
    found = {
        path: there & set(flags.split())
        for command, flags in FLAGS.items()
        for path, there in commands.items()
        if path == command or path.startswith(f"{command} ")
    }
    assert {path: flags for path, flags in found.items() if flags} == {}


def test_no_program_of_ours_types_a_flag_that_is_gone():
    gone = set(" ".join(FLAGS.values()).split()) - every_flag()
    typed = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for folder in ("benchmarks", "course", "examples", "lingon")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in gone
    ]
    assert typed == []


def every_flag():
    import typer

    from lingon.cli.app import app

    return set().union(*(there for _, there in options(typer.main.get_command(app))))
