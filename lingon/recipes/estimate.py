"""What the training of a language model will take, before it is begun: memory, operations, time."""

from contextlib import nullcontext
from typing import Annotated, Any, NamedTuple

from typer import Option

from lingon.core.errors import UserError
from lingon.tasks.language_model.settings import Settings

TrainTokens = Annotated[float, Option(help="Tokens of the training text.")]
Processes = Annotated[int, Option(help="Maximum number of torchrun processes.")]
Unmeasured = Annotated[bool, Option("--unmeasured", help="Count only, without measuring steps on this machine.")]
STEPS = 20
SECONDS = 20.0  # what the measured steps may take together, however large the model


def estimate(
    train_tokens: TrainTokens = 1e6,
    processes: Processes = 8,
    unmeasured: Unmeasured = False,
    settings: Settings = Settings(),
) -> dict[str, Any]:
    """Estimate memory, operations and time of training a language model."""
    import psutil

    from lingon.core.device import pick_device
    from lingon.engine.estimate import matmul_weights, memory_per_process, tensor_bytes, training_memory

    if settings.from_ is not None:
        raise UserError("lingon estimate counts a model with fresh weights; leave --from out and name its sizes")
    settings, device = settings.checked().filled(), pick_device(settings.device)
    if not 1 <= train_tokens < 1e15 or processes < 1:
        raise UserError(f"--train-tokens is {train_tokens:g}, --processes {processes}; expected at least 1 of both")
    model, activations = model_and_activations(settings)
    alone = training_memory(model, activations)
    blocks = [tensor_bytes(block.parameters()) for block in getattr(model, "blocks", ())]
    free = psutil.virtual_memory().available
    operations = 6 * matmul_weights(model) + attention(settings, len(blocks))
    found = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "memory": vars(alone) | {"together": alone.together, "free": free},
        "operations_per_token": operations,
        "tokens_per_second": None,
        "measured_steps": 0,
    }
    print(described(settings, found))
    if alone.together > 0.8 * free and device.type == "cpu":
        flags = "lower --width, --depth, --batch-size or --context-length"
        print(f"speed: not measured, this does not fit into memory; {flags}, or use --gradient-checkpointing")
    elif not unmeasured:
        found["tokens_per_second"], found["measured_steps"] = measured(settings, device)
    sizes = model_sizes(settings)
    tokens_per_step = sizes.batch_size * sizes.context_length * settings.accumulation_steps
    passes = settings.epochs or (settings.steps or 0) * tokens_per_step / train_tokens
    found["processes"] = [
        {"processes": n}
        | {name: memory_per_process(alone, n, name == "fsdp", max(blocks, default=0)).together for name in ways(blocks)}
        for n in (2**i for i in range(processes.bit_length()))
    ]
    print(timed(found, train_tokens * passes, passes))
    return found


class Sizes(NamedTuple):
    """The sizes of a training, of settings that are filled in."""

    batch_size: int
    context_length: int
    width: int
    depth: int


def model_sizes(settings: Settings) -> Sizes:
    """The sizes that memory, operations and time follow from."""
    given = (settings.batch_size, settings.context_length, settings.width, settings.depth)
    found = [size for size in given if size is not None]
    assert len(found) == len(given), "settings are filled in before they are counted"
    return Sizes(*found)


def ways(blocks: list) -> tuple[str, ...]:
    """How the weights can be spread: a model without blocks is only copied."""
    return ("ddp", "fsdp") if blocks else ("ddp",)


def model_and_activations(settings: Settings) -> tuple[Any, int]:
    """The model without memory, and the bytes of what a batch leaves for its gradient.

    A recurrent layer says only with real numbers what it keeps; such models are small.
    """
    import torch

    from lingon.engine.estimate import activation_bytes, fake_tensors
    from lingon.layers.losses import CHUNK
    from lingon.models.registry import get_entry
    from lingon.tasks.language_model.prepare import model_of, recomputing

    sizes = model_sizes(settings)
    with nullcontext() if get_entry(settings.model).recurrent else fake_tensors():
        model: Any = model_of(settings, settings.vocab).train()
        ids = torch.zeros(sizes.batch_size, sizes.context_length, dtype=torch.long)
        kept = activation_bytes(model, lambda: model.hidden(ids)[0])
        if settings.gradient_checkpointing:  # all of one block is there again while its gradient is computed
            recomputing(model)
            kept = activation_bytes(model, lambda: model.hidden(ids)[0]) + kept // sizes.depth
    # The logits of one chunk, whose place their softmax takes; the gradient of what went in; what a chunk adds to the
    # gradient of the last matrix, beside the sum.
    logits = 4 * min(CHUNK, ids.numel() * settings.vocab)
    return model, kept + logits + 4 * ids.numel() * sizes.width + 2 * 4 * settings.vocab * sizes.width


def attention(settings: Settings, depth: int) -> int:
    """Operations per token of the products between tokens, half of which a causal mask spares."""
    sizes = model_sizes(settings)
    return 6 * depth * sizes.context_length * sizes.width


class Measured(NamedTuple):
    """What the steps on made-up text say."""

    tokens_per_second: float
    steps: int


def measured(settings: Settings, device: Any) -> Measured:
    """Measure a few steps on made-up text, after as many to get warm; fewer of a large model, which are long."""
    import torch

    from lingon.engine.compile import compile_model
    from lingon.engine.fit import TrainConfig, fit
    from lingon.engine.optimizers import adamw
    from lingon.engine.training_parts import PRECISIONS
    from lingon.engine.world import World
    from lingon.tasks.language_model.objective import Objective
    from lingon.tasks.language_model.prepare import batches_of, loss_of, model_of, recomputing

    model = model_of(settings, settings.vocab).to(device)
    if settings.gradient_checkpointing:
        recomputing(model)
    objective = Objective(model)
    sizes = model_sizes(settings)
    batch = sizes.batch_size * sizes.context_length
    made_up = torch.randint(0, settings.vocab, (3 * STEPS * batch * settings.accumulation_steps,)).numpy()
    batches = batches_of(model, made_up, settings, World(0, 1))
    loss = loss_of(model)
    trained, optimizer = compile_model(objective) if settings.compile else objective, adamw(objective, 1e-4)
    kind = PRECISIONS[settings.precision]()
    steps = 1
    for _ in range(3):  # one step, which says how many there is time for; those to get warm; those that count
        config = TrainConfig(
            steps=steps,
            accumulation_steps=settings.accumulation_steps,
            max_grad_norm=settings.max_grad_norm,
            precision=kind,
        )
        history = fit(trained, batches, loss, optimizer, config=config)
        steps = min(STEPS, max(1, round(SECONDS / 2 / history.seconds * history.steps)))
    return Measured(history.steps * batch * settings.accumulation_steps / history.seconds, history.steps)


def described(settings: Settings, found: dict[str, Any]) -> str:
    """Model and memory in lines."""
    memory = found["memory"]
    parts = ", ".join(f"{name} {size(memory[name])}" for name in ("weights", "gradients", "optimizer", "activations"))
    return "\n".join(
        [
            f"model: {settings.model}, {found['parameters']:,} weights, {found['operations_per_token'] / 1e6:,.1f} "
            "million operations to train on one token",
            f"memory: {size(memory['together'])} ({parts}, with batches of {settings.batch_size} x "
            f"{settings.context_length} tokens); {size(memory['free'])} are free here",
        ]
    )


def timed(found: dict[str, Any], tokens: float, passes: float) -> str:
    """Speed and time in lines, and a table over processes."""
    speed, lines = found["tokens_per_second"], []
    if speed:
        reached = speed * found["operations_per_token"] / 1e9
        steps = found["measured_steps"]
        over = f"over {steps} step{'s' * (steps != 1)}"
        lines.append(f"speed: {speed:,.0f} tokens/s here, {reached:,.1f} GFLOP/s, {over}")
    lines.append(f"text: {tokens:,.0f} tokens are read ({passes:g} times the text)")
    names = [name for name in found["processes"][0] if name != "processes"]
    titles = {"ddp": "each, DDP", "fsdp": "each, FSDP2 (--fsdp)"}
    heads = ["processes", *(titles[name] for name in names), *(["time at best"] if speed else [])]
    lines.append("\n" + "  ".join(f"{head:>21}" for head in heads))
    for row in found["processes"]:
        cells = [str(row["processes"]), *(size(row[name]) for name in names)]
        cells += [duration(tokens / speed / row["processes"])] if speed else []
        lines.append("  ".join(f"{cell:>21}" for cell in cells))
    if speed:
        lines.append("\nAt best: each process on a machine like this one, without communication costs.")
    return "\n".join(lines)


def size(bytes: float) -> str:
    """Bytes for people.

    >>> size(12_345_678)
    '12.3 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if bytes < 1000:
            break
        bytes, unit = bytes / 1000, {"B": "kB", "kB": "MB", "MB": "GB", "GB": "TB"}[unit]
    return f"{bytes:.3g} {unit}"


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(5400)
    '1.5 h'
    """
    for unit, most, length in (("s", 120, 1), ("min", 7200, 60), ("h", 172_800, 3600)):
        if seconds < most:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds / 86_400:,.1f} days"
