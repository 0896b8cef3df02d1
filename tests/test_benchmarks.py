"""Benchmarks: the statistics of pairs on figures made by hand, and a table that says what the JSON files say."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import environments, rewriting, table
from benchmarks.adaptation import parts_of_memory
from benchmarks.context import Context
from benchmarks.measure import Pairs, Spread, paired
from benchmarks.result import Peer, Result, Row, score, speed, wall_time, write
from benchmarks.seeds import trained
from benchmarks.start_up import percentile
from benchmarks.worker import Worker, WorkerFailed
from lingon.core.errors import UserError
from lingon.tasks.rewrite.rewriting import Rewriting


def test_ratio_is_of_each_pair_and_not_of_medians():
    # theirs / ours: 6/2 = 3, 14/7 = 2, 5/5 = 1, 33/3 = 11, 55/11 = 5. The ratio of the medians would be 14/5.
    pairs = Pairs([2, 7, 5, 3, 11], [6, 14, 5, 33, 55])
    assert pairs.ratio() == Spread(3, 1, 11)


def test_pairs_alternate_and_leave_the_warm_up_out():
    log = []

    def turn(who, seconds):
        def work():
            log.append(who)
            return seconds[log.count(who) - 1]

        return work

    pairs = paired(turn("ours", [100, 2, 3]), turn("theirs", [1, 10, 21]), pairs=2, warmups=1, rest=0)
    assert log == ["ours", "theirs"] * 3
    assert (pairs.ours, pairs.theirs) == ([2, 3], [10, 21])
    assert pairs.ratio() == Spread(6, 5, 7)


def test_no_figures_and_no_pairs_are_refused():
    with pytest.raises(UserError, match="no figures"):
        Spread.of([])
    with pytest.raises(UserError, match="pairs is 0"):
        paired(lambda: 1, lambda: 1, pairs=0)


@pytest.mark.parametrize(("bar", "reached"), [(3, True), (3.5, False), (None, None)])
def test_speed_is_work_per_second_and_the_bar_is_on_the_median_ratio(bar, reached):
    row = speed("training", "reviews/s", 60, Pairs([2, 5, 3], [6, 5, 30]), "peer", bar)
    assert row.ours == Spread(20, 12, 30)
    assert row.peers == [Peer("peer", Spread(10, 2, 12))]
    assert row.ratio == Spread(3, 1, 10)
    assert row.reached is reached


@pytest.mark.parametrize(("theirs", "reached"), [([7, 5, 11], True), ([7, 4, 3], False), ([5, 5, 5], True)])
def test_wall_time_must_not_exceed_theirs(theirs, reached):
    assert wall_time("train", Pairs([5, 5, 5], theirs), "peer", bar=1).reached is reached


def test_scores_are_held_against_a_number_or_a_peer():
    ours = [0.91, 0.89, 0.90]
    assert score("a", ours, {}, 0.9).reached is True
    assert score("a", ours, {}, 0.905).reached is False
    assert score("a", ours, {"x": [0.92], "y": [0.8]}, "y").reached is True
    assert score("a", ours, {"x": [0.92], "y": [0.8]}, "x").reached is False
    assert score("a", ours, {"x": [0.92]}).reached is None


def test_percentile():
    figures = [float(n) for n in range(1, 21)]
    assert percentile(figures, 0.95) == 19
    assert percentile(figures, 0.5) == 10
    assert percentile([7.0], 0.95) == 7


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    won = speed("reading", "reviews/s", 1000, Pairs([2, 5], [6, 20]), "Peer 1.2")
    lost = Row(
        "writing", "s", Spread(7.125, 7, 11), [Peer("Peer", Spread(3, 2, 5))], Spread(0.42, 0.4, 0.5), "≤ 1x", False
    )
    write(Result("reading", [won, lost], {"why": "test"}, {"peer": "1.2"}), tmp_path)
    write(Result("scores", [score("accuracy", [0.9155, 0.91], {"Peer": [0.8904]}, "Peer")], {}), tmp_path)
    return tmp_path


def test_every_row_of_the_files_is_in_the_table_with_its_figures(folder: Path):
    lines = table.table(table.results(folder)).splitlines()
    # 1000/2 and 1000/5 have the median 350; 1000/6 and 1000/20 have 108.33; ratios 3 and 4.
    assert lines[2] == "| reading | 350 reviews/s | Peer 1.2: 108 reviews/s | 3.50 (3.00, 4.00) |  | `reading` |"
    assert lines[3] == "| writing | 7.12 s | Peer: 3 s | 0.42 (0.40, 0.50) | ≤ 1x **missed** | `reading` |"
    assert lines[4] == "| accuracy | 0.9127 (0.9100, 0.9155) | Peer: 0.8904 |  | not below Peer reached | `scores` |"
    assert "2 threads on both sides" in lines[-1]
    assert "quick run" not in lines[-1]


def test_the_table_follows_the_files_and_nothing_else(folder: Path):
    path = folder / "scores.json"
    held = json.loads(path.read_text())
    held["rows"][0]["ours"]["median"] = 0.1234
    path.write_text(json.dumps(held | {"quick": True}))
    made = table.table(table.results(folder))
    assert "| accuracy | 0.1234 (0.9100, 0.9155) |" in made
    assert "quick run and mean nothing" in made


def test_a_file_says_how_to_repeat_it_and_on_what_it_was_made(folder: Path):
    held = json.loads((folder / "reading.json").read_text())
    assert held["command"] == "python -m benchmarks reading"
    assert held["threads"] == {"ours": 2, "theirs": 2}
    assert held["peer_versions"] == {"peer": "1.2"}
    assert held["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert held["machine"]["cores"] >= 1
    assert len(held["date"]) == 10


def test_the_page_around_the_table_stays():
    page = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    once = table.put(page, "made")
    assert once == f"before\n{table.BEGIN}\nmade\n{table.END}\nafter\n"
    assert table.put(once, "made") == once


@pytest.mark.parametrize("page", ["", table.BEGIN, f"{table.END}{table.BEGIN}", f"{table.BEGIN * 2}{table.END}"])
def test_a_page_without_its_marks_is_refused(page: str):
    with pytest.raises(UserError, match="once each"):
        table.put(page, "made")


def test_the_readme_and_the_page_of_benchmarks_hold_what_the_results_say():
    pages = table.pages()
    assert {page.name for page in pages} == {"README.md", "benchmarks.md"}
    for page, text in pages.items():
        assert page.read_text(encoding="utf-8") == text, f"{page.name}: run python -m benchmarks table --write"


def test_the_readme_has_eight_rows_of_the_page_and_at_least_one_that_is_lost():
    page, readme = (table.pages()[environments.ROOT / name] for name in ("docs/benchmarks.md", "README.md"))
    rows = [line for line in readme.split(table.BEGIN)[1].split(table.END)[0].splitlines() if line.startswith("| ")]
    assert len(rows[1:]) == 8
    assert set(rows) <= set(page.splitlines())
    assert any("**missed**" in line for line in rows)


def test_highlights_keep_their_order_and_one_that_is_gone_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(table, "HIGHLIGHTS", [("scores", "accuracy"), ("reading", "writing")])
    made = table.highlights(table.results(folder)).splitlines()
    assert [line.split(" | ")[0] for line in made[2:]] == ["| accuracy", "| writing"]
    monkeypatch.setattr(table, "HIGHLIGHTS", [("scores", "accur")])
    with pytest.raises(UserError, match="0 rows of scores begin with 'accur'"):
        table.highlights(table.results(folder))


def test_no_result_in_the_repository_is_of_a_quick_run():
    assert not [result["name"] for result in table.results() if result["quick"]]


def test_names_choose_comparisons():
    assert command.chosen(["quality", "training"], None, False) == ["training", "quality"]
    assert command.chosen(["training-bilstm"], None, False) == ["training"]
    assert command.parts_of("training", ["training-bilstm", "quality"]) == ("training-bilstm",)
    assert command.parts_of("training", ["training-bilstm", "training"]) == ()
    assert command.chosen([], "mxnet", False) == ["training", "language-model"]
    assert command.chosen([], None, True) == list(command.COMPARISONS)
    with pytest.raises(UserError, match="did you mean 'training'"):
        command.chosen(["trainingg"], None, False)
    with pytest.raises(UserError, match="unknown peer 'mxnt'; did you mean 'mxnet'"):
        command.chosen([], "mxnt", False)
    with pytest.raises(UserError, match="say what to measure"):
        command.chosen([], None, False)


def test_every_comparison_can_be_imported_and_its_peers_have_requirements():
    for module, needed in command.COMPARISONS.values():
        assert callable(import_module(f"benchmarks.{module}").compare)
        assert set(needed) <= set(environments.peers())


def test_examples_of_rewriting_are_the_best_the_worst_and_some_between():
    one = Rewriting("a dull film", "a warm film", "bad", "good", "delete-retrieve")
    made = [{"delete-retrieve": (one, i % 2 == 0)} for i in range(60)]
    rows = [rewriting.Shown(str(i), "bad", "good", by_system, i / 100) for i, by_system in enumerate(made)]
    found = rewriting.chosen_examples(rows)
    assert [one.text for one in found["best"][:2]] == ["58", "56"]
    assert found["worst"][-1].text == "1"
    assert [one.text for one in found["taken evenly"][:3]] == ["0", "3", "6"]


def test_most_memory_is_told_apart_by_what_takes_it():
    """Of 5 million numbers that train, in float32: 20 MB of weights, and as much for gradients and each moment."""
    counts = {"all": 5 << 20, "trained": 5 << 20, "bytes": 20 << 20}
    run = {"facts": {"parameters": counts}, "imported": 100 << 20, "peak": 191 << 20}
    wanted = {"most": 191, "python and torch": 100, "numbers": 80, "the rest": 11}
    assert parts_of_memory(run) == wanted


@pytest.mark.parametrize("peer", environments.peers())
def test_every_peer_is_pinned_and_says_which_python_it_needs(peer: str):
    text = (environments.PEERS / f"{peer}.txt").read_text()
    assert environments.python_wanted(text)
    pins = [line for line in text.splitlines() if not line.startswith("#")]
    assert pins
    assert all("==" in line for line in pins)


def _scores(folder: Path, seeds: tuple[int, ...], add: bool, settings: dict | None = None, dies: int = -1) -> list[int]:
    """Train "toy" as a comparison does, each run with the score (seed + 1) / 10; return the seeds that were trained."""
    asked = []

    def train(seed: int) -> dict:
        if seed == dies:
            raise KeyboardInterrupt
        asked.append(seed)
        return {"accuracy": (seed + 1) / 10}

    context = Context(folder, seeds=seeds, add=folder if add else None)
    for details in trained(context, "toy", settings or {"lr": 0.1}, train):
        row = score("toy", [run["accuracy"] for run in details["runs"]], {}, 0.2)
        write(Result("toy", [row], {**details, "note": "kept"} if not add else details), folder)
    return asked


def _toy(folder: Path) -> dict:
    return json.loads((folder / "toy.json").read_text())


def test_seeds_are_added_to_a_result_and_none_is_trained_twice(tmp_path: Path):
    assert _scores(tmp_path, (0,), add=False) == [0]
    held = _toy(tmp_path)
    held["date"] = "2020-02-02"
    del held["details"]["dates"]  # as in files that were written before they had dates
    (tmp_path / "toy.json").write_text(json.dumps(held))
    assert _scores(tmp_path, (2, 1), add=True) == [2, 1]
    found = _toy(tmp_path)
    assert found["details"]["seeds"] == [0, 1, 2]
    assert [run["accuracy"] for run in found["details"]["runs"]] == [0.1, 0.2, 0.3]
    assert found["details"]["dates"][0] == "2020-02-02" != found["details"]["dates"][1]
    assert found["details"]["note"] == "kept"
    assert found["rows"][0]["ours"] == {"median": 0.2, "minimum": 0.1, "maximum": 0.3}
    assert "| toy | 0.2000 (0.1000, 0.3000) |" in table.table(table.results(tmp_path))
    assert _scores(tmp_path, (0, 1, 2), add=True) == []
    assert _toy(tmp_path)["details"] == found["details"]
    assert _scores(tmp_path, (1,), add=False) == [1]
    assert _toy(tmp_path)["details"]["seeds"] == [1]


def test_a_seed_that_has_ended_is_kept_when_the_next_one_does_not_end(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        _scores(tmp_path, (0, 1, 2), add=False, dies=1)
    assert _toy(tmp_path)["details"]["seeds"] == [0]
    assert _scores(tmp_path, (0, 1, 2), add=True) == [1, 2]


def test_seeds_are_not_added_to_runs_of_other_settings(tmp_path: Path):
    _scores(tmp_path, (0,), add=False)
    with pytest.raises(
        UserError, match=r'toy.json was measured with settings \{"lr": 0.1\}; now they are \{"lr": 0.2\}'
    ):
        _scores(tmp_path, (1,), add=True, settings={"lr": 0.2})


def test_the_command_takes_a_list_of_seeds_and_adds_only_where_seeds_are_trained():
    assert command.seeds_of("1,2") == (1, 2)
    for wrong, said in (("1,x", "must be whole numbers"), ("1,1", "each seed once"), ("-1", "0 or more")):
        with pytest.raises(UserError, match=said):
            command.seeds_of(wrong)
    with pytest.raises(UserError, match=r"--add is for answers, .*; measure start-up without it"):
        command.main(["start-up", "--add"])


def test_a_worker_answers_keeps_what_libraries_print_apart_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = """
        import os
        from serve import serve
        def double(n):
            print("a library says something")
            os.system("echo so does a child")
            return {"found": 2 * n}
        def fail():
            raise KeyError("no such thing")
        def own():
            return {"seconds": 7}
        serve(double=double, fail=fail, own=own, leave=lambda: os._exit(3))
    """
    workers = environments.ROOT / "benchmarks" / "workers"
    (tmp_path / "made.py").write_text("\n".join(line[8:] for line in program.splitlines()))
    (tmp_path / "serve.py").write_text((workers / "serve.py").read_text())
    monkeypatch.setattr("benchmarks.worker.WORKERS", tmp_path)
    with Worker("made") as worker:
        answer = worker.ask("double", {"n": 11})
        assert answer["found"] == 22
        assert 0 < answer["seconds"] < 600
        assert worker.seconds("own") == 7
        assert "so does a child" in worker.said()
        with pytest.raises(WorkerFailed, match="made, fail: KeyError: 'no such thing'"):
            worker.ask("fail")
        assert worker.ask("double", {"n": 3})["found"] == 6  # it goes on after an error
        with pytest.raises(WorkerFailed, match="it ended"):
            worker.ask("leave")
    assert worker.process.returncode == 3
