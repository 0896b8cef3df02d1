"""transformers' way of fine-tuning an encoder: its Trainer, batches grouped by length, its fastest setting on a CPU."""

import json
import tempfile

import torch
import transformers
from serve import serve
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, Trainer
from transformers import TrainingArguments as Arguments

state = {}


class Texts(torch.utils.data.Dataset):
    """Token ids and labels."""

    def __init__(self, ids, labels):
        pairs = zip(ids, labels, strict=True)
        self.rows = [{"input_ids": row, "attention_mask": [1] * len(row), "labels": label} for row, label in pairs]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def start(source, texts, threads, rows, lr, epochs, max_length, precision="float32", seed=0):
    """Makes a classifier on an encoder of a folder; texts: a JSON file with texts and labels."""
    torch.set_num_threads(threads)
    transformers.set_seed(seed)
    with open(texts, encoding="utf-8") as file:
        read = json.load(file)
    labels = sorted(set(read["train"]["labels"]))
    tokenizer = AutoTokenizer.from_pretrained(source)
    parts = {}
    for name in ("train", "test"):
        ids = tokenizer(read[name]["texts"], truncation=True, max_length=max_length)["input_ids"]
        parts[name] = Texts(ids, [labels.index(label) for label in read[name]["labels"]])
    model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=len(labels))
    known = Arguments.__dataclass_fields__
    grouped = {"train_sampling_strategy": "group_by_length"} if "train_sampling_strategy" in known else {}
    grouped = {"group_by_length": True} if "group_by_length" in known else grouped
    arguments = Arguments(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=rows,
        per_device_eval_batch_size=128,
        learning_rate=lr,
        num_train_epochs=epochs,
        weight_decay=0.01,
        warmup_steps=0.05,
        lr_scheduler_type="linear",
        max_grad_norm=0.0,
        save_strategy="no",
        logging_steps=10**9,
        report_to=[],
        use_cpu=True,
        bf16=precision == "bfloat16",
        disable_tqdm=True,
        seed=seed,
        **grouped,
    )
    collate = DataCollatorWithPadding(tokenizer)
    trainer = Trainer(model, arguments, collate, parts["train"])
    state.update(trainer=trainer, parts=parts)
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    return {"weights": sum(p.numel() for p in model.parameters()), "versions": versions, "grouped": grouped}


def run():
    """Trains for the epochs that were named."""
    found = state["trainer"].train()
    return {"steps": found.global_step, "loss": found.training_loss}


def score():
    """Returns the accuracy on the test texts, which come back in the order that groups them by length."""
    found = state["trainer"].predict(state["parts"]["test"])
    return {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())}


serve(start=start, run=run, score=score)
