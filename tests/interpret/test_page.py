"""Pages: what stands on them is what was computed; nothing typed becomes markup; the rest is refused."""

import json
import re

import pytest
import torch

from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import UserError
from lingon.data.examples import Examples
from lingon.interpret.attribution import attribute
from lingon.interpret.page import attention_data, probe_sections, write_page, write_probe_page
from lingon.interpret.recording import record
from tests.interpret.test_attribution import PAIR, TEXTS, classifier, pair_classifier
from tests.interpret.test_probes import embedder


def data_in(path):
    return json.loads(re.search(r'id="data">(.*?)</script>', path.read_text(), re.DOTALL)[1])


def test_the_page_of_a_classifier_has_words_and_every_head(tmp_path, capsys):
    task = classifier("bert")
    save_bundle(task, "encoder", tmp_path / "b", {"arguments": {}})
    app(
        ["predict", str(tmp_path / "b"), TEXTS[0], "<b>dull</b>", "--page", str(tmp_path / "p.html")],
        standalone_mode=False,
    )
    assert len(capsys.readouterr().out.splitlines()) == 2
    page = (tmp_path / "p.html").read_text()
    assert "<b>dull</b>" not in page
    found = attribute(task, TEXTS[0])
    for word in found.words:
        assert f'title="{word.weight:+.4f}"' in page
    first = data_in(tmp_path / "p.html")[0]
    ids = torch.tensor(task.token_ids([TEXTS[0]]))
    maps = record(task.model.encoder, ids).attention
    assert (len(first["maps"]), len(first["maps"][0])) == (len(maps), maps[0].shape[1])
    shown = torch.tensor(first["maps"][1][0]).view(len(first["tokens"]), -1) / 99
    assert (shown - maps[1][0, 0]).abs().max() <= 0.5 / 99 + 1e-6


def test_the_page_of_an_encoder_has_the_cosines(tmp_path):
    task = embedder()
    page = write_page(tmp_path / "p.html", task, TEXTS[:2], "tiny").read_text()
    a, b = task.encode(TEXTS[:2])
    cosine = float(a @ b / (a @ a) ** 0.5 / (b @ b) ** 0.5)
    assert f">{cosine:.2f}</td>" in page
    assert attention_data(classifier("bag"), TEXTS[0]) is None


def test_the_page_of_an_evaluation_has_a_line_for_each_probe(tmp_path):
    examples = Examples(TEXTS * 4, ["good", "bad", "bad", "good"] * 4)
    page = write_probe_page(tmp_path / "p.html", embedder(), examples, "tiny").read_text()
    assert "control task" in page
    assert "accuracy: 1 at 2" in page, "the same texts stand on both sides"


def test_a_classifier_on_an_encoder_has_its_probes_as_a_section():
    examples = Examples(TEXTS * 4, ["good", "bad", "bad", "good"] * 4)
    (section,) = probe_sections(embedder(), examples)
    assert section["title"] == "What each layer knows"
    assert "accuracy: 1 at 2" in section["charts"][0]
    assert probe_sections(classifier("bag"), examples) == []
    assert probe_sections(embedder(), Examples(TEXTS, [1.0, 2.0, 3.0, 4.0])) == []


def test_the_page_of_a_classifier_of_pairs_has_the_words_of_both(tmp_path):
    task = pair_classifier(True)
    page = write_page(tmp_path / "p.html", task, ["\t".join(PAIR)], "tiny").read_text()
    for word in attribute(task, PAIR).words:
        assert f'title="{word.weight:+.4f}"' in page
    first = data_in(tmp_path / "p.html")[0]
    row = task.tokenizer.encode_pair(*PAIR, 31)
    maps = record(task.model.encoder, torch.tensor([row.ids]), token_types=torch.tensor([row.token_types])).attention
    shown = torch.tensor(first["maps"][2][1]).view(len(row.ids), -1) / 99
    assert (shown - maps[2][0, 1]).abs().max() <= 0.5 / 99 + 1e-6


def test_what_cannot_be_shown_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"ends in '.png', expected .html"):
        write_page(tmp_path / "p.png", embedder(), TEXTS, "tiny")
    with pytest.raises(UserError, match="there are no texts"):
        write_page(tmp_path / "p.html", embedder(), [], "tiny")
    with pytest.raises(UserError, match="shows what its layers know of one label for each text"):
        write_probe_page(tmp_path / "p.html", embedder(), TEXTS, "tiny")
