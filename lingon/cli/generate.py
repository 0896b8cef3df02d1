"""lingon generate and lingon logprob: a language model generates text, or gives the probability of a text."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lingon.cli.load_task import load_for
from lingon.core.errors import UserError

Source = Annotated[str, typer.Argument(help="A bundle or run of a language model, a checkpoint, or hf:owner/name.")]
Device = Annotated[str, typer.Option(help="Device: cpu, cuda, cuda:1, mps or auto.")]
Number = float | None

# Which options exclude each other, and why.
ALONE = {
    "beams": (
        ("contrastive", "draft_model", "temperature", "top_k", "top_p", "min_p", "typical_p"),
        "beam search looks for the most probable whole texts and samples nothing",
    ),
    "contrastive": (
        ("draft_model", "n", "temperature", "top_p", "min_p", "typical_p"),
        "contrastive search samples nothing and finds one text",
    ),
    "draft_model": (("n",), "speculative decoding generates one text at a time"),
    "regex": (("json_schema",), "a text is constrained by one of them"),
}
NEEDED = {"length_penalty": "beams", "early_stopping": "beams", "beam_groups": "beams"}
NEEDED |= {"diversity_penalty": "beam_groups", "top_logprobs": "page"}
MOST_TEXTS = 1_000_000  # of a prompt


def generate(
    context: typer.Context,
    bundle: Source,
    prompt: Annotated[list[str] | None, typer.Option(help="Prompt; repeat for more, none is an empty one.")] = None,
    prompt_file: Annotated[
        Path | None, typer.Option(help="A file with one prompt a line; - is standard input.")
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(help="Maximum number of tokens to generate.")] = 100,
    n: Annotated[int, typer.Option("--n", help="Number of texts for each prompt, which is read once.")] = 1,
    temperature: Annotated[
        float, typer.Option(help="Sampling temperature, by which logits are divided; 0 is greedy decoding.")
    ] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Top-k sampling: number of most probable tokens to keep.")] = None,
    top_p: Annotated[Number, typer.Option(help="Top-p (nucleus) sampling: probability mass to keep.")] = None,
    min_p: Annotated[
        Number, typer.Option(help="Min-p sampling: least probability to keep, as a fraction of the largest.")
    ] = None,
    typical_p: Annotated[Number, typer.Option(help="Locally typical sampling: probability mass to keep.")] = None,
    repetition_penalty: Annotated[
        Number, typer.Option(help="Repetition penalty on tokens of the prompt and the text; 1 is none.")
    ] = None,
    no_repeat_ngram_size: Annotated[
        int | None, typer.Option(help="Length in tokens of the n-grams that may not occur twice.")
    ] = None,
    logit_bias: Annotated[
        list[str] | None,
        typer.Option(help="TOKEN=NUMBER, added to the logit of a token, as ' the=-5' or 'end=-inf'; repeat for more."),
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="Stop string, before which the text ends; repeat for more.")
    ] = None,
    regex: Annotated[
        str | None, typer.Option(help="Regular expression, as of Python's re, that the whole text must match.")
    ] = None,
    json_schema: Annotated[
        Path | None, typer.Option(help="A file with a JSON schema against which the text must validate.")
    ] = None,
    contrastive: Annotated[
        Number,
        typer.Option(help="Contrastive search: weight of the degeneration penalty, 0 to 1; candidates by --top-k."),
    ] = None,
    beams: Annotated[
        int | None, typer.Option(help="Beam search: number of beams; the --n best texts are shown.")
    ] = None,
    length_penalty: Annotated[
        float, typer.Option(help="Beam search: exponent of the length penalty; 0 is none, more favours long texts.")
    ] = 0.6,
    beam_groups: Annotated[int, typer.Option(help="Diverse beam search: number of groups of beams.")] = 1,
    diversity_penalty: Annotated[
        float, typer.Option(help="Diverse beam search: what a logit loses for each earlier group with this token.")
    ] = 0.5,
    early_stopping: Annotated[
        str, typer.Option(help="Beam search: never (exact), heuristic, or first, when enough texts have ended.")
    ] = "never",
    draft_model: Annotated[
        str | None, typer.Option(help="Speculative decoding: a smaller model with the same tokenizer.")
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Quantize the weights to 8 bits: less memory, faster, not exact.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help="Write an .html page of all tokens with their probabilities.")
    ] = None,
    top_logprobs: Annotated[
        int, typer.Option(help="With --page: number of most probable tokens to show at each position.")
    ] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per text.")] = False,
    seed: Annotated[int, typer.Option(help="Random seed of the sampling.")] = 0,
    device: Device = "cpu",
) -> None:
    """Generate a continuation of a prompt with a language model."""
    given = _checked(context)
    from lingon.cli import generate_output as output
    from lingon.core.files import read_json
    from lingon.decoding.json_schema import LONGEST
    from lingon.decoding.sampling_params import SamplingParams

    prompts = output.prompts_of(prompt or (), prompt_file)
    schema = None if json_schema is None else read_json(json_schema, LONGEST)
    params = SamplingParams(
        max_new_tokens, temperature, top_k if contrastive is None else None, top_p, min_p, typical_p,
        repetition_penalty, no_repeat_ngram_size, stop=tuple(stop or ()), regex=regex, json_schema=schema, seed=seed,
    )  # fmt: skip
    search = None
    if beams is not None:
        diversity = diversity_penalty if beam_groups > 1 else 0.0
        search = output.beam_params(beams, max_new_tokens, length_penalty, n, beam_groups, diversity, early_stopping)
    model = output.for_decoding(load_for("generate", bundle, device), int8)
    draft = output.for_decoding(load_for("generate", draft_model, device), int8) if draft_model else None
    params = replace(params, logit_bias=output.logit_bias_of(model, logit_bias or ()))
    strategy = output.strategy_of(model, params, contrastive, top_k, draft)
    if not (page or as_json or search or n > 1):
        cut = output.stream(model, prompts, params, strategy)
        output.warn_full_context(model, cut, len(prompts), max_new_tokens)
        return
    details = top_logprobs if page else 0
    if search:
        found = output.beam_searched(model, prompts, params, search, details)
    else:
        alone = bool(draft) or contrastive is not None
        found = output.generated(model, prompts, params, strategy, n, alone, details)
    texts = list(output.show(found, as_json, n > 1 or len(prompts) > 1))
    cut = [text.prompt for text in texts if text.finish_reason == "context_length"]
    output.warn_full_context(model, cut, len(texts), max_new_tokens)
    if page:
        from lingon.tasks.language_model.page import write_page

        print(f"wrote {write_page(page, model, texts, bundle, given, top_logprobs)}", file=sys.stderr)


def logprob(
    bundle: Source,
    text: Annotated[str, typer.Argument(help="The text.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    device: Device = "cpu",
) -> None:
    """Show the log-probability of each token of a text under a language model."""
    from lingon.cli.logprob_output import logprob_lines

    print(logprob_lines(load_for("logprob", bundle, device), text, as_json))


def _checked(context: typer.Context) -> dict[str, object]:
    """Return the options that were given, by flag. Raises UserError for those that exclude or need each other."""
    values = context.params
    given = [name for name in values if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    for one, (others, why) in ALONE.items():
        for other in [name for name in others if one in given and name in given]:
            raise UserError(f"{_flag(one)} and {_flag(other)} exclude each other: {why}; leave one of them out")
    for one, other in NEEDED.items():
        if one in given and other not in given:
            raise UserError(f"{_flag(one)} has no effect without {_flag(other)}; add {_flag(other)}, or leave it out")
    if not 1 <= values["n"] <= MOST_TEXTS:
        raise UserError(f"--n is {values['n']}, expected 1 or more texts, {MOST_TEXTS:,} at most")
    if values["n"] > 1 and values["temperature"] == 0:
        raise UserError(f"--n {values['n']} with --temperature 0 would give one text again; leave one of them out")
    if values["top_logprobs"] < 1:
        raise UserError(f"--top-logprobs is {values['top_logprobs']}, expected 1 or more")
    if (page := values["page"]) and page.suffix not in (".html", ".htm"):
        raise UserError(f"--page {str(page)!r} ends in {page.suffix!r}, expected .html")
    return {_flag(name): values[name] for name in given if name not in ("bundle", "prompt", "page")}


def _flag(name: str) -> str:
    return "--" + {"as_json": "json"}.get(name, name.replace("_", "-"))
