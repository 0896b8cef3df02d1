"""transformers and sentencepiece: encoder-decoders with random weights, what they write, and small models of pieces."""

import json
from pathlib import Path

import torch
import transformers
from serve import serve

torch.set_num_threads(1)
FIXED = ("marian", "m2m_100")  # families whose positions are no weights


def make(config, folder, dtype="float32", seed=0, shard="1GB", eos_bias=0.0):
    """Saves an encoder-decoder of this config.json with random weights of a type. eos_bias: added to one logit."""
    torch.manual_seed(seed)
    model = transformers.AutoModelForSeq2SeqLM.from_config(transformers.AutoConfig.for_model(**config))
    for name, p in model.named_parameters():
        if "embed_positions" in name and config["model_type"] in FIXED:
            continue
        torch.nn.init.normal_(p.data, std=0.25)
        if "norm" in name.lower() and name.endswith("weight"):
            p.data += 1.0  # near what training makes of them, so that the layers before count
    for name, b in model.named_buffers():
        if name == "final_logits_bias":
            torch.nn.init.normal_(b, std=0.5)
            b[0, config["eos_token_id"]] += eos_bias
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shard)


def logits(folder, source, mask, target):
    """The logits [B][T][V] after each token of targets, and weights that did not fit."""
    model, info = _model(folder)
    with torch.no_grad():
        found = model(
            input_ids=torch.tensor(source),
            attention_mask=torch.tensor(mask).long(),
            decoder_input_ids=torch.tensor(target),
        )
    return {"logits": found.logits.tolist(), **{key: sorted(info[key]) for key in ("missing_keys", "unexpected_keys")}}


def generate(folder, source, mask, options):
    """The ids that `generate` writes for sources, with the start and what fills them up; and scores of a search."""
    model, _ = _model(folder)
    found = model.generate(
        input_ids=torch.tensor(source),
        attention_mask=torch.tensor(mask).long(),
        return_dict_in_generate=True,
        output_scores=True,
        **options,
    )
    scores = found.get("sequences_scores")
    return {"ids": found["sequences"].tolist(), "scores": None if scores is None else scores.tolist()}


def pieces(folder, name, texts, options, count=4000):
    """Trains SentencePiece on texts given in a JSON file; its model is NAME in the folder."""
    import sentencepiece

    home = Path(folder)
    (home / "texts.txt").write_text("\n".join(text.replace("\n", " ") for text in _read(texts)[:count]), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(home / "texts.txt"), model_prefix=str(home / "spm"), minloglevel=2, num_threads=1, **options
    )
    (home / "spm.model").rename(home / name)


def piece_ids(path, texts):
    """Ids of texts by a model of SentencePiece, the texts that these are again, and the score of each piece."""
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=path)
    ids = [model.encode(text) for text in _read(texts)]
    scores = [model.get_score(i) for i in range(model.get_piece_size())]
    return {"ids": ids, "texts": [model.decode(row) for row in ids], "scores": scores}


def tokenizer(kind, folder, texts, options):
    """Ids of texts given in a JSON file, as sources, by one of the library's tokenizers from the files of a folder."""
    made = getattr(transformers, kind).from_pretrained(folder, **options)
    rows = made(_read(texts))["input_ids"]
    return {"ids": rows, "texts": made.batch_decode(rows[:500], skip_special_tokens=True), "size": len(made)}


def _model(folder):
    model, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    return model.eval(), info


def _read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


serve(**{f.__name__: f for f in (make, logits, generate, pieces, piece_ids, tokenizer)})
