"""Translation: training by the command on reversed words, beams, samples, prefixes, terms, copied words, and files."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.data.parallel_texts import ParallelTexts
from lingon.data.tokenizers import bpe, words
from lingon.decoding.sampling_params import SamplingParams
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.layers.losses import IGNORED
from lingon.metrics.translation import corpus_bleu
from lingon.models.registry import build
from lingon.recipes.compare_systems import compare_systems
from lingon.tasks.translate import Terms, TranslationParams, Translator
from lingon.tasks.translate import precision as precisions
from lingon.tasks.translate.encoding import encode_pairs
from lingon.tasks.translate.objective import TranslationObjective, by_head, in_chunks, pair_loss
from lingon.tasks.translate.params import GREEDY
from lingon.tasks.translate.vocabularies import END, with_end

ENGLISH = ["one", "two", "three", "four", "cat", "dog", "red", "blue"]
GERMAN = ["eins", "zwei", "drei", "vier", "Katze", "Hund", "rot", "blau"]
TO_GERMAN = dict(zip(ENGLISH, GERMAN, strict=True))


def pairs(count=60, seed=0):
    """Pairs of two to four words: the words of the target are those of the source, translated."""
    rng = torch.Generator().manual_seed(seed)
    rows = [[ENGLISH[i] for i in torch.randint(8, (2 + n % 3,), generator=rng).tolist()] for n in range(count)]
    return ParallelTexts(
        tuple(" ".join(row) for row in rows), tuple(" ".join(TO_GERMAN[word] for word in row) for row in rows)
    )


def translator(kind="bpe", seed=1, model="transformer", **more):
    """A translator with fresh weights; its words are those of the pairs."""
    texts = [*pairs().sources, *pairs().targets]
    made = with_end(bpe(texts, 300) if kind == "bpe" else words(texts, lowercase=False))
    end, size = made.vocab[END], len(made.vocab)
    torch.manual_seed(seed)
    sizes = {"vocab_size": size, "width": 16, "depth": 1, "start_id": end, "eos_id": end, "dropout": 0.0}
    sizes |= {"context_length": 20, "source_length": 24, **({"heads": 2} if model == "transformer" else {"hidden": 8})}
    return Translator(build(model, sizes | more), made, made)


@pytest.fixture(scope="module")
def trained():
    """One that has learned the words."""
    made, data = translator("words", width=32), pairs(400)
    loader = encode_pairs(made, data).loader(0, max_tokens=300)
    objective = TranslationObjective(made.model)
    fit(objective, loader, pair_loss, adamw(objective, 0.006), config=TrainConfig(steps=300))
    return made


def test_it_learns_to_translate_words(trained):
    data = pairs(30, seed=7)
    found = trained.translate(data.sources)
    assert sum(one.translation == target for one, target in zip(found, data.targets, strict=True)) >= 20
    scores = trained.evaluate(data)
    assert scores["bleu"] == corpus_bleu([one.translation for one in found], data.targets).value > 50
    assert scores.main == "bleu"
    assert set(scores) == {"bleu", "chrf", "loss"}


def test_twenty_steps_lower_the_loss():
    made, data = translator(), pairs()
    evaluate = made.evaluator(data)
    before = evaluate(made.model)["loss"]
    objective = TranslationObjective(made.model, 0.1)
    loader = encode_pairs(made, data).loader(0, max_tokens=200)
    fit(objective, loader, made.loss, adamw(objective, 0.005), config=TrainConfig(steps=20))
    assert evaluate(made.model)["loss"] < before - 0.5


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_that_of_each_pair_alone(smoothing):
    """A batch with padding against whole logits of one pair at a time, and both ways to the loss of the tokens."""
    made, data = translator(), pairs(7)
    encoded = encode_pairs(made, data)
    batch = next(iter(encoded.loader(0, max_tokens=10_000)))
    objective = TranslationObjective(made.model.eval(), smoothing)
    assert objective.token_loss is in_chunks
    found = pair_loss(objective, batch)
    total, count, end = 0.0, 0, made.model.eos_id
    for source, target in zip(encoded.sources, encoded.targets, strict=True):
        mask = torch.ones(1, len(source), dtype=torch.bool)
        hidden = made.model(torch.tensor([source]), mask, torch.tensor([[end, *target[:-1]]]))
        logits = made.model.head(hidden)[0]
        total += F.cross_entropy(logits, torch.tensor(target), reduction="sum", label_smoothing=smoothing)
        count += len(target)
    assert found.count == count
    torch.testing.assert_close(found.total, total)
    objective.token_loss = by_head
    torch.testing.assert_close(pair_loss(objective, batch).total, total)
    assert IGNORED not in batch.target_ids


def greedy_by_hand(made, text):
    """The likeliest token each time, by whole forwards."""
    ids, forbidden = [made.model.start_id], made.forbidden_ids().tolist()
    source = torch.tensor([made.source.encode(text)])
    while len(ids) <= 2 * source.shape[1] + 32 and len(ids) < made.model.context_length:
        hidden = made.model(source, torch.ones_like(source, dtype=torch.bool), torch.tensor([ids]))
        logits = made.model.head(hidden)[0, -1]
        logits[forbidden] = -torch.inf
        ids.append(int(logits.argmax()))
        if ids[-1] == made.model.eos_id:
            break
    return tuple(ids[1:])


@torch.inference_mode()
def test_one_beam_is_greedy_and_a_batch_is_its_texts_one_by_one(trained):
    for made in (trained, translator(context_length=12)):
        made.model.eval()
        texts = [*pairs(3, seed=3).sources, "cat"]
        found = made.translate(texts, GREEDY)
        assert [one.ids for one in found] == [greedy_by_hand(made, text) for text in texts]
        for params in (TranslationParams(beams=3, n=2),):
            together = made.n_best(texts, params)
            for text, some in zip(texts, together, strict=True):
                (alone,) = made.n_best([text], params)
                assert [one.ids for one in some] == [one.ids for one in alone]
                assert [one.score for one in some] == pytest.approx([one.score for one in alone], abs=1e-4)


def test_more_beams_find_likelier_texts_and_n_best_come_in_order(trained):
    texts = pairs(6, seed=5).sources
    one, many = trained.translate(texts, GREEDY), trained.n_best(texts, TranslationParams(beams=8, n=8))
    for first, some in zip(one, many, strict=True):
        assert [x.score for x in some] == sorted((x.score for x in some), reverse=True)
        assert some[0].score >= first.score - 1e-6
        assert len({x.ids for x in some}) == 8


def test_samples_follow_the_seed_and_repeat_alone(trained):
    texts = [*pairs(4, seed=9).sources, "cat dog", "cat dog"]
    params = TranslationParams(n=3, sampling=SamplingParams(temperature=2.0, seed=5))
    found = trained.n_best(texts, params)
    assert found == trained.n_best(texts, params)
    assert len({one.ids for one in found[0]}) > 1
    assert [one.ids for one in found[-1]] != [one.ids for one in found[-2]]  # copies get other random numbers
    assert [one.ids for one in trained.n_best(texts[1:2], params)[0]] == [one.ids for one in found[1]]
    zero = TranslationParams(sampling=SamplingParams(temperature=0))
    assert [x.ids for x in trained.translate(texts, zero)] == [x.ids for x in trained.translate(texts, GREEDY)]


@pytest.mark.parametrize("more", [{}, {"copy": True}])
def test_a_recurrent_model_learns_searches_and_samples(more):
    made, data = translator("words", model="attention_rnn", **more), pairs()
    evaluate, objective = made.evaluator(data), TranslationObjective(made.model, 0.1)
    before = evaluate(made.model)["loss"]
    loader = encode_pairs(made, data).loader(0, max_tokens=200)
    fit(objective, loader, made.loss, adamw(objective, 0.01), config=TrainConfig(steps=20))
    assert evaluate(made.model)["loss"] < before
    for params in (TranslationParams(), TranslationParams(n=2, sampling=SamplingParams(seed=1))):
        together = made.n_best(["one cat", "red", "one two red"], params)
        assert [one.ids for one in together[0]] == [one.ids for one in made.n_best(["one cat"], params)[0]]
    (found,) = made.translate(["cat dog"], TranslationParams(terms=Terms((("cat", "Hund"),))))
    assert "Hund" in found.translation
    torch.testing.assert_close(made.attention(found)[2].sum(1), torch.ones(len(found.ids)))


def test_a_prefix_begins_every_translation(trained):
    found = trained.translate(["one two cat", "red"], TranslationParams(prefix="Hund blau"))
    assert all(one.translation.startswith("Hund blau") for one in found)
    with pytest.raises(UserError, match="--prefix 'Vogel' has a word that the model's vocabulary cannot write"):
        trained.translate(["one"], TranslationParams(prefix="Vogel"))
    with pytest.raises(UserError, match="--prefix has 20 tokens, the model writes 20 at most"):
        trained.translate(["one"], TranslationParams(prefix="rot " * 20))


@pytest.mark.parametrize("kind", ["bpe", "words"])
def test_terms_stand_in_the_translation(kind):
    made = translator(kind, context_length=10)
    terms = Terms((("cat", "Hund"), ("red dog", "blau blau"), ("dog", "vier")))
    texts = ["one Cat two", "red dog", "dog cat", "one"]
    found = [one.translation for one in made.translate(texts, TranslationParams(terms=terms))]
    assert "Hund" in found[0]  # which may go on: with random weights anything may stand behind a word
    assert "blau blau" in found[1]
    assert "vier" in found[2]
    assert "Hund" in found[2]
    assert found[3] == made.translate(["one"])[0].translation
    either = TranslationParams(terms=Terms((("cat", "rot"), ("cat", "Katze"))))
    assert re.search("rot|Katze", made.translate(["cat"], either)[0].translation)
    begun = TranslationParams(terms=terms, prefix="Hund")
    assert made.translate(["cat"], begun)[0].ids == made.translate(["cat"], TranslationParams(prefix="Hund"))[0].ids


def test_a_file_of_terms_names_the_line_that_is_wrong(tmp_path, trained):
    path = tmp_path / "terms.tsv"
    path.write_text("# the terms\ncat\tHund\n\nred dog\tblau\n")
    assert Terms.read(path).pairs == (("cat", "Hund"), ("red dog", "blau"))
    path.write_text("cat\tHund\nred dog\n")
    with pytest.raises(DataError, match=r"terms\.tsv:2: expected a term, a tab and its translation, found 'red dog'"):
        Terms.read(path)
    path.write_text("\n")
    with pytest.raises(DataError, match="there is no term in it"):
        Terms.read(path)
    with pytest.raises(UserError, match="there is no file of terms"):
        Terms.read(tmp_path / "none.tsv")
    path.write_text("cat\tHund\ndog\tVogel\n")
    params = TranslationParams(terms=Terms.read(path))
    with pytest.raises(UserError, match=r"terms\.tsv:2: the model's vocabulary cannot write 'Vogel'; leave the term"):
        trained.translate(["cat"], params)


class Pointing(torch.nn.Module):
    """A model that says the unknown token and the end, and attends to one place of the source."""

    start_id, eos_id, pad_id, context_length, source_length = 2, 2, 0, 16, 16

    def __init__(self, place):
        super().__init__()
        self.weight, self.place = torch.nn.Parameter(torch.zeros(1)), place

    def cross_attention(self, source_ids, target_ids):
        weights = torch.full((1, 1, target_ids.shape[1], source_ids.shape[1]), 0.1)
        weights[..., self.place] = 1.0
        return weights


def test_an_unknown_word_is_that_of_the_source_it_attends_to():
    from lingon.tasks.translate.alignment import with_copied_words

    source, target = with_end(words(["see the bird"])), with_end(words(["ein die"]))
    for place, word in ((1, "Obama"), (2, "bird"), (3, "see")):  # 3 is the end, which is no word
        made = Translator(Pointing(place), source, target)
        ids = [target.vocab["ein"], 1, target.vocab[END]]
        text = "see Obama bird"
        assert with_copied_words(made, text, source.encode(text), ids) == f"ein {word}"


def test_a_source_that_is_too_long_is_cut_and_counted(trained):
    long = "one two " * 30
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than 24 tokens; they are truncated"):
        found = trained.translate([long, "cat"])
    assert found[1].ids == trained.translate(["cat"])[0].ids
    kept = encode_pairs(trained, ParallelTexts((long, "cat"), ("rot", "Katze")))
    assert (len(kept), kept.left_out, kept.rows) == (1, 1, [1])
    with pytest.raises(UserError, match="of 1 pair none has at most 24 tokens in its source"):
        encode_pairs(trained, ParallelTexts((long,), ("rot",)))


def test_blank_texts_stay_blank_and_a_stream_keeps_the_order(trained):
    texts = ["cat", "", "one two three", "  ", "dog"] * 3
    found, read = [], []
    for (one,) in trained.stream((read.append(text) or text for text in texts), at_once=4):
        found.append(one.translation)
        assert len(read) <= 4 * (1 + (len(found) - 1) // 4)  # no more than are translated together
    assert found == [one.translation for one in trained.translate(texts)]
    assert [found[1], found[3]] == ["", ""]


def test_eight_threads_translate_as_one(trained):
    texts = [list(pairs(3, seed=n).sources) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(trained.translate, texts))
    assert found == [trained.translate(some) for some in texts]


def test_attention_rows_sum_to_one_and_belong_to_the_tokens(trained):
    (found,) = trained.translate(["red cat"])
    columns, rows, weights = trained.attention(found)
    assert [column.strip() for column in columns] == ["red", "cat", END]
    assert [row.strip() for row in rows][-1] == END
    assert weights.shape == (len(rows), 3)
    torch.testing.assert_close(weights.sum(1), torch.ones(len(rows)))


@pytest.mark.parametrize("model", ["transformer", "attention_rnn"])
def test_products_of_fewer_bits_translate_nearly_alike(model, monkeypatch):
    """The log-probability of a translation is that of float32, but for the bits; auto takes what is close."""
    made, texts = translator("words", model=model), list(pairs(6).sources)
    exact = made.translate(texts)
    for precision, near in (("bfloat16", 0.03), ("int8", 0.1)):
        found = made.with_precision(precision).translate(texts)
        assert [one.logprob for one in found] == pytest.approx([one.logprob for one in exact], rel=near)
        assert [one.logprob for one in found] != [one.logprob for one in exact]
    with pytest.raises(UserError, match="precision"):
        made.with_precision("half")
    auto = {}
    for has in (False, True):
        monkeypatch.setattr("lingon.tasks.translate.precision.has_bfloat16", lambda has=has: has)
        auto[has] = [one.logprob for one in made.with_precision("auto").translate(texts)]
    assert auto[False] == [one.logprob for one in exact]
    assert auto[True] == [one.logprob for one in made.with_precision("bfloat16").translate(texts)]


def test_auto_looks_again_when_texts_have_changed_and_never_goes_back(monkeypatch):
    """Texts after 512 others are looked at too, 32 of them from end to end; the first that differ decide for good."""
    made, looked = translator("words").with_precision("auto"), []

    def equal(exact, half):
        looked.append(len(exact))
        return len(looked) < 3

    monkeypatch.setattr(precisions, "has_bfloat16", lambda: True)
    monkeypatch.setattr(precisions, "all_alike", equal)
    source = tuple(made.source.encode("red cat"))
    half, chosen = made.fast.twin("bfloat16"), []
    for count in (7, 500, 5, 300, 220, 1_000, 600, 600):
        chosen.append(precisions.model_of(made, [source] * count) is half)
    assert looked == [7, 32, 32]  # of the first, of those after 512, and of those after 520 more
    assert chosen == [True] * 5 + [False] * 3
    assert made.precision == "auto"
    assert made.with_precision("auto").auto.chosen is None


def test_a_large_batch_shares_what_its_beams_have_read(trained, monkeypatch):
    """Compiled loops over shared memory, which many rows are worth, find the translations of copied beams."""
    texts = list(pairs(40).sources)
    copied = trained.translate(texts)
    monkeypatch.setattr("lingon.layers.kv_cache.WORTH", 1)
    monkeypatch.setattr("lingon.decoding.likeliest.WORTH", 1)
    shared = trained.translate(texts)
    assert [str(one) for one in shared] == [str(one) for one in copied]
    assert [one.logprob for one in shared] == pytest.approx([one.logprob for one in copied], abs=1e-4)


def test_broken_weights_are_said(trained):
    made = translator()
    torch.nn.init.constant_(made.model.output.weight, torch.nan)
    with pytest.raises(NotFinite):
        made.translate(["cat"])
    with pytest.raises(NotFinite):
        made.evaluate(pairs(3))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 5}, "the 5 best texts are wanted of 4 beams"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"beams": 0}, "beams is 0"),
        ({"sampling": SamplingParams(), "n": 0}, "n is 0"),
        ({"sampling": SamplingParams(), "terms": Terms((("a", "b"),))}, "terms are for a beam search"),
    ],
)
def test_wrong_parameters_are_named(given, message):
    with pytest.raises(UserError, match=message):
        TranslationParams(**given)


def test_what_is_no_list_of_texts_is_refused(trained):
    with pytest.raises(UserError, match="translate takes a list of texts, not one str"):
        trained.translate("cat")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = pairs(150)
    rows = dict(zip(data.sources, data.targets, strict=True))
    lines = "".join(f"{source}\t{target}\n" for source, target in rows.items())
    (tmp_path / "pairs.tsv").write_text("source\ttarget\n" + lines)
    return tmp_path


def run(capsys, *arguments):
    app([str(one) for one in arguments], standalone_mode=False)
    return capsys.readouterr()


SMALL = ("--width", 16, "--depth", 1, "--vocab", 300, "--set", "heads=2", "--evals", 1, "--max-tokens-per-batch", 400)


def test_the_commands_train_and_translate(folder, capsys, monkeypatch):
    monkeypatch.delenv("LINGON_QUIET", raising=False)
    flags = ("train", "translate", "--data", "pairs.tsv", *SMALL, "--epochs", 2, "--device", "cpu", "--out", "run")
    said = run(capsys, *flags)
    assert "translation  " in said.err  # of the validation
    assert "try next: lingon translate run 'A text.'" in said.out
    record = json.loads((folder / "run/run.json").read_text())
    assert set(record["test"]) == {"bleu", "chrf", "loss"}
    assert record["tokens"]["source"] > 100
    page = (folder / "run/report.html").read_text()
    assert "Most different from their reference" in page
    assert "validation BLEU" in page

    made = lingon.load("run")
    texts = ["one two cat", "red"]
    best = [str(one) for one in made.translate(texts)]
    assert run(capsys, "translate", "run", *texts).out.splitlines() == best
    assert run(capsys, "predict", "run", *texts).out.splitlines() == best
    (folder / "in.txt").write_text("one two cat\n\nred\n")
    assert run(capsys, "translate", "run", "--file", "in.txt").out.splitlines() == [best[0], "", best[1]]
    for name in ("out.de", "out.txt"):
        run(capsys, "translate", "run", "--file", "in.txt", "--out", name)
        assert (folder / name).read_text().splitlines() == [best[0], "", best[1]]
    (folder / "empty.txt").touch()
    run(capsys, "translate", "run", "--file", "empty.txt", "--out", "nothing.txt")
    assert (folder / "nothing.txt").read_text() == ""
    with pytest.raises(UserError, match=r"out\.de: already exists"):
        run(capsys, "translate", "run", "--file", "in.txt", "--out", "out.de")
    with pytest.raises(UserError, match=r"in\.txt: is the input file"):
        run(capsys, "translate", "run", "--file", "in.txt", "--out", "in.txt", "--overwrite")
    run(capsys, "translate", "run", "--file", "in.txt", "--out", "out.jsonl")
    assert run(capsys, "translate", "run", "", "red", " ").out.splitlines() == ["", best[1], ""]
    # A table has blank cells too, and rows that are wrong; the first of a table without names is no name.
    (folder / "in.csv").write_text("text,n\none two cat,1\n,2\nred,3\n")
    said = run(capsys, "translate", "run", "--file", "in.csv")
    assert (said.out.splitlines(), said.err.count("1 text is blank, and so is its translation")) == (
        [best[0], "", best[1]],
        1,
    )
    (folder / "in.csv").write_text("text,n\none two cat,1\nred\nred,3\n")
    with pytest.raises(DataError, match=r"in\.csv:3: 1 cell, expected 2; .* --on-bad-row skip leaves such rows out"):
        run(capsys, "translate", "run", "--file", "in.csv", "--out", "out.csv")
    said = run(capsys, "translate", "run", "--file", "in.csv", "--on-bad-row", "skip", "--out", "out.csv")
    assert said.err.count("in.csv: 1 row is skipped, without a text or unreadable") == 1
    assert [row.split(",")[2] for row in (folder / "out.csv").read_text().splitlines()[1:]] == best
    (folder / "in.csv").write_text("Send me the document.,7\nThis is red.,8\n")
    for command in ("translate", "predict"):
        with pytest.raises(
            DataError, match=r"in\.csv:1: 'Send me .* do not look like column names; write a first line"
        ):
            run(capsys, command, "run", "--file", "in.csv")
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert [(row["text"], row["translation"]) for row in rows][::2] == list(zip(texts, best, strict=True))
    n_best = run(capsys, "translate", "run", "red", "--n-best", 3, "--format", "jsonl", "--page", "page.html")
    assert [json.loads(line)["rank"] for line in n_best.out.splitlines()] == [1, 2, 3]
    assert 'class="map"' in (folder / "page.html").read_text()
    tested = ("evaluate", "run", "--data", "pairs.tsv", "--split", "test")
    assert "bleu" in run(capsys, *tested, "--json").out
    run(capsys, *tested, "--page", "tested.html")
    page = (folder / "tested.html").read_text()
    assert all(
        part in page for part in ("run: translation", "Scores by length of the source", "Most different from their")
    )

    again = ("--from", "run", "--epochs", 1, "--evals", 1, "--device", "cpu")
    said = run(capsys, "train", "translate", "--data", "pairs.tsv", *again, "--out", "again")
    assert lingon.load("again").source.encode("cat") == made.source.encode("cat")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--vocabularies", "both"), "unknown vocabularies 'both'"),
        (
            ("--tokenizer", "bpe", "--vocab", "20"),
            "--vocab is 20; --tokenizer bpe has a token for every byte, so 259 or more",
        ),
        (("--label-smoothing", "1"), "--label-smoothing is 1.0; expected a fraction"),
        (("--subword-dropout", "0.1", "--tokenizer", "unigram"), "--subword-dropout is 0.1, which leaves out merges"),
        (("--metric", "ter"), "unknown metric 'ter'"),
        (("--context-length", "3"), "--context-length is 3; expected 8 or more"),
        (("--model", "gpt"), "unknown model 'gpt'"),
        (("--tuning", "lora"), "--tuning is lora, which applies only with --from"),
    ],
)
def test_settings_that_cannot_be_are_named(folder, capsys, flags, message):
    with pytest.raises(UserError, match=re.escape(message)):
        run(capsys, "train", "translate", "--data", "pairs.tsv", *flags, "--out", "run")
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--top-k", "3"), "--top-k has no effect without --temperature"),
        (("--beams", "8", "--temperature", "1"), "--temperature and --beams cannot be combined"),
        (("--length-penalty", "1", "--temperature", "1"), "--temperature and --length-penalty cannot be combined"),
        (("--file", "in.txt", "red"), "give texts or --file, not both"),
        (("red", "--out", "x.txt"), "--out writes the translations of --file"),
        (("red", "--page", "x.png"), r"--page 'x\.png' ends in '\.png'"),
        (("red", "--format", "xml"), "unknown format 'xml'"),
        (("red", "--n-best", "2", "--temperature", "0"), "would give the same text every time"),
        (("red", "--text", "a"), "--text is a column of the table"),
        (("red", "--n-best", "5", "--beams", "4"), "--n-best 5 is more than --beams 4; give --beams 5 or more"),
        (("red", "--n-best", "0"), "--n-best is 0; expected 1 translation"),
    ],
)
def test_options_that_do_not_go_together_are_named(tmp_path, capsys, flags, message):
    with pytest.raises(UserError, match=message):
        run(capsys, "translate", "nothing", *flags)


def test_two_translators_are_compared(trained):
    data = pairs(20, seed=5)
    found = compare_systems(translator("words", width=32), trained, data, ("fresh", "trained"))
    assert found.metrics["bleu"].values[1] == trained.evaluate(data)["bleu"]
    assert found.metrics["chrf"].comparison.difference > 50
    assert found.metrics["chrf"].comparison.p_value < 0.01
    assert found.outputs[1].references == data.targets


PAIR_TABLES = {
    "no header": ("in.tsv", "one two cat\ta b c\nred\td\n", "no header; source is column 1, target column 2"),
    "no header, plain text": ("in.txt", "one two cat\ta b c\ntwo red\td e\n", "no header; source is column 1"),
    "languages": ("in.tsv", "en\tde\tn\none two cat\ta b c\t1\nred\td\t2\n", "texts from column 'en'"),
    "usual names": ("in.csv", "id,target,source\n1,a b c,one two cat\n2,d,red\n", "texts from column 'source'"),
    "the hub's layout": (
        "in.jsonl",
        '{"translation": {"en": "one two cat", "de": "a"}}\n{"translation": {"en": "red", "de": "d"}}\n',
        "source is column 'en'",
    ),
}


@pytest.mark.parametrize("case", PAIR_TABLES)
def test_the_sources_of_a_table_of_pairs_are_translated(trained, tmp_path, capsys, case):
    name, text, said = PAIR_TABLES[case]
    (tmp_path / name).write_text(text)
    save_bundle(trained, "transformer", tmp_path / "b", {})
    second = "two red" if name == "in.txt" else "red"
    wanted = [str(one) for one in trained.translate(["one two cat", second])]
    for command in ("translate", "predict"):
        found = run(capsys, command, tmp_path / "b", "--file", tmp_path / name)
        assert found.out.splitlines() == wanted
        assert said in found.err
    run(capsys, "translate", tmp_path / "b", "--file", tmp_path / name, "--out", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["translation"] for row in rows] == wanted
    if case == "no header":
        (tmp_path / name).write_text(f"{text}no tab here\n")
        with pytest.raises(DataError, match=r"in\.tsv:3: 1 cell, expected 2 or more .*--on-bad-row skip"):
            run(capsys, "translate", tmp_path / "b", "--file", tmp_path / name)
        capsys.readouterr()  # what came before that line
        found = run(capsys, "translate", tmp_path / "b", "--file", tmp_path / name, "--on-bad-row", "skip")
        assert found.out.splitlines() == wanted
        assert "1 row is left out as unreadable" in found.err


@pytest.mark.long
def test_back_translation_is_the_commands_that_exist(folder, capsys):
    """As the how-to has it: made sources are the column `translation`, the real texts the column `text`."""
    flags = ("--epochs", 1, "--device", "cpu", *SMALL, "--tokenizer", "words")  # fresh weights write any bytes
    turned = ("--text", "target", "--target", "source")
    run(capsys, "train", "translate", "--data", "pairs.tsv", *turned, *flags, "--out", "back")
    (folder / "german.txt").write_text("".join(f"{text}\n" for text in pairs(80, seed=5).targets))
    run(capsys, "translate", "back", "--file", "german.txt", "--temperature", 1, "--out", "made.tsv")
    columns = ("--text", "translation", "--target", "text", "--max-length-ratio", 50)
    run(capsys, "train", "translate", "--data", "made.tsv", *columns, *flags, "--out", "made")
    again = ("--from", "made", "--epochs", 1, "--evals", 1, "--device", "cpu")
    said = run(capsys, "train", "translate", "--data", "pairs.tsv", *again, "--out", "better")
    assert "try next: lingon translate better" in said.out
