"""Training word vectors as a run: files, resume, the same bytes for a seed, errors."""

from dataclasses import replace

import numpy as np
import pytest

from lingon.core.errors import NotFinite, UserError
from lingon.core.files import sha256_of
from lingon.data.vector_files import load_vector_file
from lingon.recipes.settings import Folder
from lingon.recipes.vector_settings import VectorSettings
from lingon.recipes.vectors import vectors
from lingon.tasks.train_vectors import Job, Pool, load_state, save_state

SMALL = VectorSettings(
    width=7, window=2, epochs=2, min_count=1, spaces=True, buckets=101, sample=0.0, deterministic=True
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
        vectors([text], replace(SMALL, method=method, threads=threads, seed=seed), Folder(str(out)))
        shas.append(sha256_of(out / "vectors.safetensors"))
    assert shas[0] == shas[1] != shas[2]
    loaded = load_vector_file(out / "vectors.safetensors")
    assert sorted(loaded.words) == list("abcdefghijk")
    assert loaded.table.shape == (11, 7)
    assert np.isfinite(loaded.table).all()


def test_parts_of_words_a_tree_and_threads(text, tmp_path):
    vectors([text], replace(SMALL, subwords=True, loss="tree", deterministic=False, threads=2), Folder(str(tmp_path)))
    loaded = load_vector_file(tmp_path / "vectors.safetensors")
    assert loaded.subwords.table.shape == (101, 7)
    with pytest.raises(UserError, match="holds a run already"):
        vectors([text], SMALL, Folder(str(tmp_path)))
    with pytest.raises(UserError, match="other settings"):
        vectors([text], SMALL, Folder(str(tmp_path), resume=True))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "skipgrm"}, "did you mean 'skipgram'"),
        ({"width": 0}, "--width is 0; expected 1 or more"),
        ({"lr": -1.0}, "--lr is -1.0"),
        ({"method": "glove", "subwords": True}, "neither --subwords nor --loss tree"),
        ({"shortest": 5, "longest": 3}, "parts of 5 to 3 letters"),
    ],
)
def test_wrong_settings_are_named(text, tmp_path, wrong, message):
    with pytest.raises(UserError, match=message):
        vectors([text], replace(SMALL, **wrong), Folder(str(tmp_path)))


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(tmp_path):
    def job() -> Job:
        table = np.ones(5, np.float32)

        def work(piece: int, lr: float) -> tuple[float, int, int]:
            table[:] = table * (1 - lr) + piece
            return 1.0, 1, 1

        return Job(work, 7, 0.5, {"table": table})

    whole, halves = job(), job()
    Pool(whole, 1).run(7, lambda *told: None, lambda: False)
    first = Pool(halves, 1)
    first.run(3, lambda *told: None, lambda: False)
    save_state(tmp_path / "state.npz", first)
    again = job()
    second = Pool(again, 1, load_state(tmp_path / "state.npz", again))
    assert second.done == 3
    second.run(7, lambda *told: None, lambda: False)
    np.testing.assert_array_equal(again.tables["table"], whole.tables["table"])


def test_numbers_that_overflow_are_reported_with_a_way_out(text, tmp_path):
    with pytest.raises(NotFinite, match=r"try --lr"):
        vectors([text], replace(SMALL, lr=9e5, epochs=9, window=5), Folder(str(tmp_path)))
