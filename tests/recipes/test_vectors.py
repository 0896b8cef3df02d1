"""Training word vectors as a run: files, resume, the same bytes for a seed, errors."""

import os
import shlex
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from lingon.cli.app import main
from lingon.core.errors import Interrupted, NotFinite, UserError
from lingon.core.files import read_json, sha256_of
from lingon.data.running_text import read_running_lines
from lingon.engine.log import read_metrics
from lingon.kernels.aot_compile import linker
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.vector_settings import VectorSettings
from lingon.recipes.vectors import question, vectors
from lingon.word_vectors.files import load_vector_file
from lingon.word_vectors.files.text_format import read_vectors
from lingon.word_vectors.train import parallel as train_vectors

SMALL = VectorSettings(
    width=7, window=2, epochs=2, min_count=1, spaces=True, buckets=101, subsample=0.0, deterministic=True
)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    random = np.random.default_rng(0)
    path.write_text("\n".join(" ".join(random.choice(list("abcdefghijk"), 11)) for _ in range(300)))
    return str(path)


@pytest.mark.parametrize("method", ["skipgram", "cbow", "glove"])
def test_every_method_writes_the_same_file_for_a_seed_on_any_number_of_threads(text, tmp_path, method):
    shas = []
    for threads, seed in ((1, 0), (3, 0), (1, 1)):
        out = tmp_path / f"{threads}-{seed}"
        vectors(
            [text], settings=replace(SMALL, method=method, threads=threads, seed=seed), folder=FolderSettings(str(out))
        )
        shas.append(sha256_of(out / "vectors.safetensors"))
    assert shas[0] == shas[1] != shas[2]
    loaded = load_vector_file(out)
    tokens, table = read_vectors(out, only={"a"})
    assert (tokens, table.tolist()) == (["a"], [loaded.table[list(loaded.words).index("a")].tolist()])
    assert sorted(loaded.words) == list("abcdefghijk")
    assert loaded.table.shape == (11, 7)
    assert np.isfinite(loaded.table).all()


def test_parts_of_words_a_tree_and_threads(text, tmp_path):
    vectors(
        [text],
        settings=replace(SMALL, subwords=True, loss="hierarchical-softmax", deterministic=False, threads=2),
        folder=FolderSettings(str(tmp_path)),
    )
    loaded = load_vector_file(tmp_path / "vectors.safetensors")
    assert loaded.subwords.table.shape == (101, 7)
    with pytest.raises(UserError, match="already holds a run"):
        vectors([text], settings=SMALL, folder=FolderSettings(str(tmp_path)))
    with pytest.raises(UserError, match=r"cannot be resumed with other arguments: .*width"):
        vectors([text], settings=replace(SMALL, width=11), folder=FolderSettings(str(tmp_path), resume=True))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "skipgrm"}, "did you mean 'skipgram'"),
        ({"width": 0}, "--width is 0; expected 1 or more"),
        ({"lr": -1.0}, "--lr is -1.0; expected more than 0 and less than 1,000,000"),
        ({"lr": 1e6}, "--lr is 1000000.0; expected more than 0 and less than 1,000,000"),
        ({"seed": -1}, "--seed is -1; expected 0 or more"),
        ({"vocab": 0}, "--vocab is 0; expected 1 or more"),
        ({"method": "glove", "subwords": True}, "neither --subwords nor --loss hierarchical-softmax"),
        ({"min_n": 5, "max_n": 3}, "--min-n is 5, --max-n 3"),
    ],
)
def test_wrong_settings_are_named(text, tmp_path, wrong, message):
    with pytest.raises(UserError, match=message):
        vectors([text], settings=replace(SMALL, **wrong), folder=FolderSettings(str(tmp_path)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("method", ["skipgram", "glove"])
def test_tables_larger_than_the_memory_are_refused_before_they_are_taken(text, tmp_path, method):
    settings = replace(SMALL, method=method, width=10**12)
    with pytest.raises(UserError, match=r"tables of 11 words with --width 1,000,000,000,000 take .* GB are free"):
        vectors([text], settings=settings, folder=FolderSettings(str(tmp_path / "width")))
    settings = replace(SMALL, subwords=True, buckets=10**12)
    with pytest.raises(UserError, match=r"1,000,000,000,000 --buckets .*lower --width, --vocab or --buckets"):
        vectors([text], settings=settings, folder=FolderSettings(str(tmp_path / "buckets")))


class Stop:
    """Asks for a stop once it was looked at so many times."""

    def __init__(self, looks):
        self.looks = looks

    @property
    def asked(self):
        self.looks -= 1
        return self.looks < 0


@pytest.mark.parametrize("method", ["skipgram", "glove"])
def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(text, tmp_path, monkeypatch, method):
    settings = replace(SMALL, method=method)
    vectors([text], settings=settings, folder=FolderSettings(str(tmp_path / "whole")))
    with monkeypatch.context() as patched:
        patched.setattr(train_vectors, "interruptible", lambda say: nullcontext(Stop(1)))
        with pytest.raises(Interrupted, match="resume to continue"):
            vectors([text], settings=settings, folder=FolderSettings(str(tmp_path / "cut")))
    assert not (tmp_path / "cut/vectors.safetensors").exists()
    vectors([text], settings=settings, folder=FolderSettings(str(tmp_path / "cut"), resume=True))
    whole, cut = (tmp_path / name / "vectors.safetensors" for name in ("whole", "cut"))
    assert whole.read_bytes() == cut.read_bytes()
    rows = [[(row["step"], row["loss"]) for row in read_metrics(tmp_path / name)] for name in ("whole", "cut")]
    assert rows[0] == rows[1] != []


def test_a_run_that_has_ended_is_not_trained_again(text, tmp_path, capsys):
    first = vectors([text], settings=SMALL, folder=FolderSettings(str(tmp_path)))
    written = (tmp_path / "vectors.safetensors").stat().st_mtime_ns
    again = vectors([text], settings=SMALL, folder=FolderSettings(str(tmp_path), resume=True))
    assert "trained already" in capsys.readouterr().out
    assert again["loss"] == first["loss"]
    assert (tmp_path / "vectors.safetensors").stat().st_mtime_ns == written


def test_the_question_at_the_end_suits_a_shell():
    words = ["a" * 65_000, "-x", "it's"]
    assert shlex.split(question(words, "my runs/v"))[3:] == ["it's", "--vectors", "my runs/v"]
    assert question(words[:1], "v") == "lingon vectors nearest WORD --vectors v"


def test_files_that_are_not_of_the_run_are_left_alone(text, tmp_path):
    (tmp_path / "mine.bin").write_bytes(b"7")
    with pytest.raises(UserError, match="holds files but no run"):
        vectors([text], settings=SMALL, folder=FolderSettings(str(tmp_path), overwrite=True))
    assert (tmp_path / "mine.bin").read_bytes() == b"7"
    out = tmp_path / "run"
    vectors([text], settings=SMALL, folder=FolderSettings(str(out)))
    (out / "mine.bin").write_bytes(b"7")
    with pytest.raises(UserError, match="neither a text corpus nor a file"):
        vectors(["sotuu"], settings=SMALL, folder=FolderSettings(str(out), overwrite=True))
    assert (out / "mine.bin").read_bytes() == b"7"
    assert read_json(out / "run.json")["vocabulary"] == 11


def test_a_folder_of_texts_gives_the_part_to_train(tmp_path):
    for i in range(40):
        (tmp_path / f"{i}.txt").write_text(f"word{i} and so on\n")
    lines, whole = (list(read_running_lines([str(tmp_path)], part)) for part in ("train", "all"))
    assert len(whole) == 40
    assert 20 < len(lines) < 40
    assert set(lines) < set(whole)


def test_an_unclear_licence_is_asked_about(tmp_path):
    with pytest.raises(UserError, match="--accept-licence"):
        vectors(["ptb"], settings=SMALL, folder=FolderSettings(str(tmp_path)))


def test_numbers_that_overflow_are_reported_with_a_way_out(text, tmp_path):
    with pytest.raises(NotFinite, match=r"try --lr 0\.05"):
        vectors([text], settings=replace(SMALL, lr=9e5, epochs=9, window=5), folder=FolderSettings(str(tmp_path)))


@pytest.mark.skipif(not linker(), reason="there is no C compiler to link with")
def test_skipgram_and_cbow_wait_neither_for_torch_nor_for_a_compiler(text, tmp_path):
    """Saved, resumed and written: they would be three times the memory of everything else."""
    program = f"""
import sys
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.vector_settings import VectorSettings
from lingon.recipes.vectors import vectors
for method, resume in (("cbow", False), ("cbow", True), ("skipgram", False)):
    settings = VectorSettings(method=method, width=7, epochs=1, min_count=1, spaces=True)
    vectors([{text!r}], settings=settings, folder=FolderSettings(f"{tmp_path}/{{method}}", resume=resume))
    assert not {{"torch", "numba", "llvmlite"}} & set(sys.modules), method
"""
    subprocess.run([sys.executable, "-c", program], check=True, env=os.environ | {"LINGON_QUIET": "1"})


def test_vectors_are_resumed_by_their_folder_alone(tmp_path, capsys):
    text = tmp_path / "own.txt"
    text.write_text("the cat saw a dog and the dog saw a cat near the old tree\n" * 60)
    words = ["--width", "7", "--epochs", "1", "--min-count", "1", "--threads", "1"]
    for again in (["--data", str(text), *words], ["--resume"]):
        with pytest.raises(SystemExit) as end:
            main(["train", "vectors", "--out", str(tmp_path / "run"), *again])
        assert end.value.code in (0, None), capsys.readouterr().err
    assert "trained already" in capsys.readouterr().out
