"""lingon generate and lingon score: a language model writes, or judges what is written."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lingon.cli.load_task import load_for
from lingon.core.errors import UserError

Source = Annotated[str, typer.Argument(help="A bundle or run of a language model, a checkpoint, or hf:owner/name.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps or auto.")]
Share = float | None

# Which options exclude each other, and why.
ALONE = {
    "beams": (
        ("contrastive", "draft", "temperature", "top_k", "top_p", "min_p", "typical"),
        "a beam search looks for the likeliest whole texts and draws nothing",
    ),
    "contrastive": (
        ("draft", "n", "temperature", "top_p", "min_p", "typical"),
        "contrastive search draws nothing and finds one text",
    ),
    "draft": (("n",), "a draft helps with one text at a time"),
    "pattern": (("schema",), "a text is held to one of them"),
}
NEEDED = {"length_penalty": "beams", "early_stopping": "beams", "groups": "beams", "diversity": "groups"}
NEEDED |= {"alternatives": "page"}
MOST_TEXTS = 1_000_000  # of a prompt


def generate(
    context: typer.Context,
    bundle: Source,
    prompt: Annotated[list[str] | None, typer.Option(help="How the text begins; repeat for more.")] = None,
    prompt_file: Annotated[
        Path | None, typer.Option(help="A file with one prompt a line; - is standard input.")
    ] = None,
    tokens: Annotated[int, typer.Option(help="New tokens at most.")] = 100,
    n: Annotated[int, typer.Option("--n", help="So many texts for each prompt, which is read once.")] = 1,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest; over 1 is wilder.")] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Only the k likeliest tokens.")] = None,
    top_p: Annotated[Share, typer.Option(help="Only the fewest tokens that sum to p.")] = None,
    min_p: Annotated[Share, typer.Option(help="Only tokens p times as likely as the likeliest.")] = None,
    typical: Annotated[Share, typer.Option(help="Only tokens of the usual surprise, that sum to this.")] = None,
    repetition: Annotated[Share, typer.Option(help="Over 1: what was said is less likely.")] = None,
    no_repeat: Annotated[int | None, typer.Option(help="No run of so many tokens comes twice.")] = None,
    bias: Annotated[
        list[str] | None, typer.Option(help="TOKEN=NUMBER, added to its logit, as ' the=-5' or 'end=-inf'; repeat.")
    ] = None,
    stop: Annotated[list[str] | None, typer.Option(help="Ends the text before this; repeat for more.")] = None,
    pattern: Annotated[
        str | None, typer.Option(help="A regular expression, as of Python's re, that the new text matches.")
    ] = None,
    schema: Annotated[Path | None, typer.Option(help="A file with a JSON schema that the new text keeps to.")] = None,
    contrastive: Annotated[
        Share, typer.Option(help="From 0 to 1: how much to avoid what is like the text before; see --top-k.")
    ] = None,
    beams: Annotated[int | None, typer.Option(help="Search with so many beams; --n of the best are shown.")] = None,
    length_penalty: Annotated[float, typer.Option(help="With beams: over 0, long texts may win.")] = 0.6,
    groups: Annotated[int, typer.Option(help="With beams: groups that avoid each other's tokens.")] = 1,
    diversity: Annotated[float, typer.Option(help="With groups: what a token of another group loses.")] = 0.5,
    early_stopping: Annotated[
        str, typer.Option(help="With beams: never (exact), heuristic, or first, when enough texts have ended.")
    ] = "never",
    draft: Annotated[str | None, typer.Option(help="A smaller model with the same tokenizer, for speed.")] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Weights of 8 bits: less memory and faster, not exact.")] = False,
    page: Annotated[Path | None, typer.Option(help="An .html page of all tokens with their probabilities.")] = None,
    alternatives: Annotated[int, typer.Option(help="With a page: other tokens to show for each.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a text.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed, another text.")] = 0,
    device: Device = "cpu",
) -> None:
    """Go on with a text, token by token, as a language model would."""
    given = _checked(context)
    from lingon.cli import generate_output as written
    from lingon.core.files import read_json
    from lingon.decoding.schema import LONGEST
    from lingon.tasks.language_model.sampling_params import Manner

    prompts = written.prompts_of(prompt or (), prompt_file)
    shape = None if schema is None else read_json(schema, LONGEST)
    manner = Manner(
        tokens, temperature, top_k if contrastive is None else None, top_p, min_p, typical, repetition, no_repeat,
        stop=tuple(stop or ()), pattern=pattern, schema=shape, seed=seed,
    )  # fmt: skip
    search = None
    if beams is not None:
        search = written.beams_of(beams, manner, n, length_penalty, groups, diversity, early_stopping)
    model, smaller = load_for("generate", bundle, device), load_for("generate", draft, device) if draft else None
    model, smaller = (m and written.for_decoding(m, int8) for m in (model, smaller))
    manner = replace(manner, bias=written.bias_of(model, bias or ()))
    way = written.way_of(model, manner, contrastive, top_k, smaller)
    several = n > 1 or len(prompts) > 1
    if not (page or as_json or search or n > 1):
        written.tell_of_context(model, written.stream(model, prompts, manner, way), len(prompts), tokens)
        return
    details = alternatives if page else 0
    if search:
        found = written.searched(model, prompts, manner, search, details)
    else:
        found = written.found_by(model, prompts, manner, way, n, bool(draft) or contrastive is not None, details)
    texts = list(written.show(found, model, as_json, several))
    written.tell_of_context(model, [text.prompt for text in texts if text.ended == "context"], len(texts), tokens)
    if page:
        from lingon.tasks.language_model.page import write_page

        print(f"wrote {write_page(page, model, texts, bundle, given, alternatives)}", file=sys.stderr)


def score(
    bundle: Source,
    text: Annotated[str, typer.Argument(help="The text.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    device: Device = "cpu",
) -> None:
    """Show how likely a language model finds each token of a text."""
    from lingon.cli.logprob_output import scored

    print(scored(load_for("score", bundle, device), text, as_json))


def _checked(context: typer.Context) -> dict[str, object]:
    """The options that were given, by flag. Raises UserError for those that exclude each other or say nothing."""
    values = context.params
    given = [name for name in values if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    for one, (others, why) in ALONE.items():
        for other in [name for name in others if one in given and name in given]:
            raise UserError(f"{_flag(one)} and {_flag(other)} exclude each other: {why}; leave one of them out")
    for one, other in NEEDED.items():
        if one in given and other not in given:
            raise UserError(f"{_flag(one)} says nothing without {_flag(other)}; add {_flag(other)}, or leave it out")
    if not 1 <= values["n"] <= MOST_TEXTS:
        raise UserError(f"--n is {values['n']}, expected 1 or more texts, {MOST_TEXTS:,} at most")
    if values["n"] > 1 and values["temperature"] == 0:
        raise UserError(f"--n {values['n']} with --temperature 0 would write one text again; leave one of them out")
    if values["alternatives"] < 1:
        raise UserError(f"--alternatives is {values['alternatives']}, expected 1 or more")
    if (page := values["page"]) and page.suffix not in (".html", ".htm"):
        raise UserError(f"--page {str(page)!r} ends in {page.suffix!r}, expected .html")
    return {_flag(name): values[name] for name in given if name not in ("bundle", "prompt", "page")}


def _flag(name: str) -> str:
    return "--" + {"as_json": "json"}.get(name, name.replace("_", "-"))
