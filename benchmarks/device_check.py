"""Checks a device: its kernels, one step of every model against the CPU, resume, and how fast it trains and generates.

`scripts/device_check.sh` runs it. Each part is measured by itself: one that fails is recorded, and the others go on.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.machine import machine, today, versions
from lingon.core.device import pick_device
from lingon.core.errors import UserError
from lingon.core.seed import seed_everything
from lingon.core.strict_json import dumps
from lingon.data.batches import Batch, collate
from lingon.doctor import KERNELS, TOLERANCE, differences
from lingon.engine import precision
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from lingon.models.registry import MODELS, build, models_for
from lingon.tasks.classify import cross_entropy

VOCAB, CLASSES = 211, 3
TEXTS = [[5, 17, 59, 5, 2, 31, 8], [3, 9], [44, 7, 44, 7, 44, 60, 1, 1, 12, 9, 30], [13, 29, 101], [7]]
LABELS = [0, 2, 1, 1, 2]
# How far the loss, and what a step of SGD changes in the weights, may be from those of the CPU in float32, relatively.
FORMATS = {"float32": 1e-3, "bfloat16": 5e-2, "float16": 1e-2}
MODES = {"eager": lambda model: model, "compiled": lambda model: torch.compile(model, dynamic=False)}


def check(device: torch.device, small: bool) -> dict[str, Any]:
    """Return what was found, by part; a part that raised has the key `error`."""
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "kernels": lambda: kernels(device),
        "steps": lambda: steps(device),
        "resume": lambda: resume(device),
        "training": lambda: training(device, small),
        "generation": lambda: generation(device, small),
        "encoder": lambda: encoder(device, small),
    }
    found: dict[str, Any] = {"device": name_of(device), "small": small, "date": today()}
    found |= {"machine": machine(), "versions": versions("torch", "numpy", "tokenizers", "safetensors")}
    for name, part in parts.items():
        begun = time.perf_counter()
        try:
            found[name] = part()
        except Exception as error:  # one part must not cost the machine's time of the others
            found[name] = {"right": False, "error": f"{type(error).__name__}: {error}"[:2000]}
        found[name]["seconds"] = round(time.perf_counter() - begun, 2)
        print(f"{name}: {dumps(found[name])}", file=sys.stderr, flush=True)
    found["right"] = all(found[name].get("right", True) for name in parts)
    return found


def name_of(device: torch.device) -> str:
    """Return what the device calls itself."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def kernels(device: torch.device) -> dict[str, Any]:
    """Return how far each kernel of `lingon doctor` is from the CPU in float64."""
    found = differences(str(device))
    return {"right": all(off < TOLERANCE for off in found.values()), "of": len(KERNELS), "differences": found}


def steps(device: torch.device) -> dict[str, Any]:
    """Return, for every model and number format, how far a training step is from that of the CPU in float32."""
    found: dict[str, Any] = {}
    for name in [*models_for("classifier"), *models_for("causal")]:
        right = one_step(name, torch.device("cpu"), "float32")
        for form, tolerance in FORMATS.items():
            try:
                precision.Precision(getattr(torch, form)).check(device)
            except UserError as error:
                found[f"{name}, {form}"] = {"refused": str(error)}
                continue
            loss, change = one_step(name, device, form)
            off = {"loss": relative(loss, right[0]), "change": relative(change, right[1])}
            found[f"{name}, {form}"] = off | {"right": all(value < tolerance for value in off.values())}
    return {"right": all(row.get("right", True) for row in found.values()), "models": found}


def one_step(name: str, device: torch.device, form: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss of a step of SGD on a model without dropout, and what it changes in all weights, on the CPU."""
    seed_everything(3)
    sizes = {"classes": CLASSES} if "classifier" in MODELS[name].roles else {"context_length": 32, "width": 32}
    known = options_of(name)
    options = {"vocab_size": VOCAB, **{key: value for key, value in sizes.items() if key in known}}
    options |= {key: 0.0 for key in known if "dropout" in key}  # the masks of two devices are not the same
    model = build(name, options).to(device)
    loss_fn = cross_entropy if "classifier" in MODELS[name].roles else next_token_loss
    config = TrainConfig(steps=1, precision=precision.Precision(getattr(torch, form)), log_every=1)
    before = flat(model)
    history = fit(model, [batch_of(device)], loss_fn, torch.optim.SGD(model.parameters(), lr=0.1), config=config)
    return torch.tensor([history.rows[-1]["loss"]]), flat(model) - before


def flat(model: nn.Module) -> torch.Tensor:
    """Return all weights of a model as one vector on the CPU."""
    return torch.cat([p.detach().double().cpu().flatten() for p in model.parameters()])


def options_of(name: str) -> list[str]:
    """Return the names of a model's options."""
    from lingon.models.registry import get_entry

    return get_entry(name).options


def batch_of(device: torch.device) -> Batch:
    """Return a small batch of texts with labels."""
    return Batch({**collate(TEXTS), "labels": torch.tensor(LABELS)}).to(device)


def next_token_loss(model: nn.Module, batch: Batch) -> Loss:
    """The sum of -log p(next token) over the tokens that are there."""
    logits, targets = model.head(model.hidden(batch.ids)[0])[:, :-1], batch.ids[:, 1:]
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    there = batch.mask[:, 1:].flatten()
    return Loss((losses * there).sum(), float(there.sum()))


def relative(value: torch.Tensor, right: torch.Tensor) -> float:
    """Return |value - right| / |right|, of vectors."""
    return float((value - right).norm() / right.norm().clamp_min(1e-12))


def resume(device: torch.device) -> dict[str, Any]:
    """Return whether a run that was cut off and resumed ends with the losses of one that never was."""

    class Cut(Exception):
        """The machine goes away."""

    def life(folder: str, again: bool, fails_at: int = 0) -> list[float]:
        seed_everything(99 if again else 3)
        model = build("gpt", {"vocab_size": VOCAB, "width": 32, "heads": 4, "depth": 2, "context_length": 32}).to(
            device
        )
        calls: list[int] = []

        def loss_fn(model: nn.Module, batch: Batch) -> Loss:
            calls.append(1)
            if len(calls) == fails_at:
                raise Cut
            return next_token_loss(model, batch)

        batches = [batch_of(device)]
        optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
        with Run.open(folder, {}, resume=again, save_interval=SaveInterval(steps=1, seconds=None)) as run:
            history = fit(model, batches, loss_fn, optimizer, config=TrainConfig(steps=12, log_every=1), run=run)
        return [row["loss"] for row in history.rows if "loss" in row]

    with tempfile.TemporaryDirectory() as folder:
        whole = life(f"{folder}/whole", False)
        with contextlib.suppress(Cut):
            life(f"{folder}/cut", False, fails_at=8)
        resumed = life(f"{folder}/cut", True)
    off = max(abs(a - b) for a, b in zip(whole, resumed, strict=True))
    return {"right": off <= (0.0 if device.type == "cpu" else 1e-5), "difference": off, "losses": whole[-1:]}


def training(device: torch.device, small: bool) -> dict[str, Any]:
    """Return tokens/s of training a GPT in bfloat16, eager and compiled, and its fraction of a large product's rate."""
    sizes = {"width": 64, "heads": 2, "depth": 2, "context_length": 64} if small else dict(GPT_SMALL)
    rows, count = (2, 2) if small else (16, 10)
    peak = product_rate(device, 256 if small else 8192)
    found: dict[str, Any] = {"sizes": sizes, "batch_size": rows, "product_tflops": round(peak / 1e12, 2)}
    for name, wrap in MODES.items():
        if small and name == "compiled":
            continue
        seed_everything(3)
        model = build("gpt", {"vocab_size": 50304 if not small else VOCAB, **sizes}).to(device)
        weights = sum(p.numel() for p in model.parameters())
        rate = tokens_per_second(wrap(model), model, sizes["context_length"], rows, count, device)
        work = (
            6 * weights + 12 * sizes["depth"] * sizes["width"] * sizes["context_length"]
        )  # FLOPs a token (PaLM, appendix B)
        found[name] = {"tokens_per_second": round(rate), "fraction_of_product_rate": round(rate * work / peak, 3)}
        del model
        release(device)
    return found


GPT_SMALL = {"width": 768, "heads": 12, "depth": 12, "context_length": 1024}  # GPT-2 small


def tokens_per_second(
    called: nn.Module, model: nn.Module, context: int, rows: int, count: int, device: torch.device
) -> float:
    """Return how many tokens a second are trained on, after three steps that are not measured."""
    vocab = model.output.weight.shape[0]
    ids = torch.randint(vocab, (rows, context + 1), device=device)
    fused = {"fused": True} if device.type == "cuda" else {}
    optimizer = torch.optim.AdamW(model.parameters(), 3e-4, **fused)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16):
            logits = called(ids[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    for _ in range(3):
        step()
    return rows * context * count / seconds_of(lambda: [step() for _ in range(count)], device)


def product_rate(device: torch.device, size: int) -> float:
    """Return FLOPs a second of a large matrix product in bfloat16."""
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        a @ a
    return 2 * size**3 * 10 / seconds_of(lambda: [a @ a for _ in range(10)], device)


def generation(device: torch.device, small: bool) -> dict[str, Any]:
    """Return tokens/s of generating with the cache, greedily, for one text and for 64 at once."""
    sizes = {"width": 64, "heads": 2, "depth": 2, "context_length": 64} if small else dict(GPT_SMALL)
    seed_everything(3)
    form = torch.bfloat16 if device.type == "cuda" else torch.float32
    model = build("gpt", {"vocab_size": 50304 if not small else VOCAB, **sizes}).to(device, form).eval()
    found: dict[str, Any] = {"sizes": sizes, "right": True}
    for rows in (1, 64):
        prompt = torch.randint(VOCAB, (rows, 16), device=device)
        steps = 16 if small else 128
        greedy_ids(model, prompt, 4)
        begun: list[torch.Tensor] = []
        seconds = seconds_of(lambda p=prompt, n=steps, b=begun: b.append(greedy_ids(model, p, n)), device)
        found[f"batch {rows}"] = {"tokens_per_second": round(rows * steps / seconds)}
        if form == torch.float32:  # in half precision two likeliest tokens may be equally likely
            with torch.inference_mode():
                found["right"] &= bool((model(begun[0][:, :-1])[:, 15:].argmax(-1) == begun[0][:, 16:]).all())
    return found


@torch.inference_mode()
def greedy_ids(model: nn.Module, ids: torch.Tensor, steps: int) -> torch.Tensor:
    """Return the ids with `steps` more, each the likeliest one, by steps with the cache."""
    state, new, all_ids = model.new_state(len(ids)), ids, ids
    for _ in range(steps):
        hidden, state = model.hidden(new, state)
        new = model.head(hidden[:, -1]).argmax(-1, keepdim=True)
        all_ids = torch.cat([all_ids, new], 1)
    return all_ids


def encoder(device: torch.device, small: bool) -> dict[str, Any]:
    """Return texts/s of inference and training, of self-attention over a BiLSTM and of BERT: 256 tokens a text."""
    rows, length = (4, 32) if small else (256, 256)
    bert = {"width": 32, "depth": 2, "heads": 2} if small else {"width": 768, "depth": 12, "heads": 12}
    found: dict[str, Any] = {"batch_size": rows, "tokens": length, "sizes of encoder": bert}
    for name, sizes in {"self_attentive": {}, "encoder": bert}.items():
        seed_everything(3)
        model = build(name, {"vocab_size": 30000, "classes": 2, **sizes}).to(device)
        ids = torch.randint(1, 30000, (rows, length), device=device)
        mask = torch.arange(length, device=device) < torch.randint(length // 2, length + 1, (rows, 1), device=device)
        found[name] = {
            "predicted": texts_per_second(predicted, model, ids, mask),
            "trained": texts_per_second(trained, model, ids, mask),
        }
        del model
        release(device)
    return found


def texts_per_second(
    work: Callable[[nn.Module, torch.Tensor, torch.Tensor], None],
    model: nn.Module,
    ids: torch.Tensor,
    mask: torch.Tensor,
) -> int:
    """Return how many texts a second the work handles, once it has been done without being measured."""
    work(model, ids, mask)
    return round(3 * len(ids) / seconds_of(lambda: [work(model, ids, mask) for _ in range(3)], ids.device))


def predicted(model: nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> None:
    """Run a classifier in bfloat16 where that is faster, on CUDA."""
    model.eval()
    with torch.inference_mode(), torch.autocast(ids.device.type, torch.bfloat16, enabled=ids.device.type == "cuda"):
        model(ids, mask)


def trained(model: nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> None:
    """Compute the gradients of a classifier in bfloat16."""
    model.train()
    with torch.autocast(ids.device.type, torch.bfloat16, enabled=ids.device.type == "cuda"):
        loss = model(ids, mask).float().square().sum()
    loss.backward()


def seconds_of(work: Callable[[], Any], device: torch.device) -> float:
    """Return how long work takes, waiting for the device before and after it."""
    synchronize(device)
    begun = time.perf_counter()
    work()
    synchronize(device)
    return time.perf_counter() - begun


def synchronize(device: torch.device) -> None:
    """Wait for what the device was given to do."""
    if device.type in ("cuda", "mps"):
        getattr(torch, device.type).synchronize()


def release(device: torch.device) -> None:
    """Give back the device's memory that is not in use."""
    if device.type in ("cuda", "mps"):
        getattr(torch, device.type).empty_cache()


def main(arguments: list[str] | None = None) -> int:
    """Check a device and write JSON. Returns 0 when all parts are right, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    parser.add_argument("--small", action="store_true", help="sizes that a laptop's CPU does in seconds")
    parser.add_argument("--out", type=Path, help="the JSON file; standard output when not given")
    given = parser.parse_args(arguments)
    found = check(pick_device(given.device), given.small)
    text = dumps(found, indent=1)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)
    return 0 if found["right"] else 1


if __name__ == "__main__":
    sys.exit(main())
