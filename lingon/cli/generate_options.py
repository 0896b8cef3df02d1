"""The options of `lingon generate`, and which of them exclude or need each other."""

from pathlib import Path
from typing import Annotated

import typer

from lingon.cli.option_rules import check_together, flag
from lingon.core.errors import UserError
from lingon.pages.page import check_page_path

ModelSource = Annotated[
    str,
    typer.Argument(
        help="A bundle or run of a language model or an image generator, a checkpoint of a language model, or "
        "hf:owner/name."
    ),
]
Device = Annotated[str, typer.Option(help="Device: cpu, cuda, cuda:1, mps or auto.")]
OptionalFloat = float | None

Prompt = Annotated[list[str] | None, typer.Option(help="Prompt; repeatable. Default: empty.")]
PromptFile = Annotated[Path | None, typer.Option(help="A file with one prompt per line; - is standard input.")]
MaxNewTokens = Annotated[
    int,
    typer.Option(
        help="Maximum number of tokens to generate. Past its context, the model rereads the last part of the text."
    ),
]
NumberOfTexts = Annotated[int, typer.Option("--n", help="Number of texts per prompt.")]
Temperature = Annotated[
    float, typer.Option(help="Sampling temperature, by which logits are divided; 0 is greedy decoding.")
]
TopK = Annotated[int | None, typer.Option(help="Top-k sampling: number of most probable tokens to keep.")]
TopP = Annotated[OptionalFloat, typer.Option(help="Top-p (nucleus) sampling: probability mass to keep.")]
MinP = Annotated[
    OptionalFloat, typer.Option(help="Min-p sampling: minimum probability to keep, as a fraction of the largest.")
]
TypicalP = Annotated[OptionalFloat, typer.Option(help="Locally typical sampling: probability mass to keep.")]
RepetitionPenalty = Annotated[
    OptionalFloat, typer.Option(help="Repetition penalty on tokens of the prompt and the text; 1 is none.")
]
NoRepeatNgramSize = Annotated[
    int | None, typer.Option(help="Length in tokens of the n-grams that may not occur twice.")
]
LogitBias = Annotated[
    list[str] | None,
    typer.Option(help="TOKEN=NUMBER, added to the logit of a token, such as ' the=-5' or 'end=-inf'; repeatable."),
]
StopStrings = Annotated[list[str] | None, typer.Option(help="Stop string, before which the text ends; repeatable.")]
Regex = Annotated[
    str | None, typer.Option(help="Regular expression (syntax of Python's re) that the whole text must match.")
]
JsonSchema = Annotated[
    Path | None, typer.Option(help="A file with a JSON schema against which the text must validate.")
]
Contrastive = Annotated[
    OptionalFloat,
    typer.Option(help="Contrastive search: weight of the degeneration penalty, 0 to 1; candidates by --top-k."),
]
Beams = Annotated[int | None, typer.Option(help="Beam search: number of beams; the --n best texts are shown.")]
LengthPenalty = Annotated[
    float,
    typer.Option(help="Beam search: exponent of the length penalty; 0 is none, larger values favour longer texts."),
]
BeamGroups = Annotated[int, typer.Option(help="Diverse beam search: number of groups of beams.")]
DiversityPenalty = Annotated[
    float, typer.Option(help="Diverse beam search: penalty on tokens chosen by earlier groups.")
]
EarlyStopping = Annotated[
    str, typer.Option(help="Beam search: never (exact), heuristic, or first, when enough texts have ended.")
]
DraftModel = Annotated[str | None, typer.Option(help="Speculative decoding: a smaller model with the same tokenizer.")]
Int8 = Annotated[bool, typer.Option("--int8", help="Quantize the weights to 8 bits: less memory, faster, not exact.")]
Page = Annotated[Path | None, typer.Option(help="Write an .html page with the probability of each token.")]
TopLogprobs = Annotated[int, typer.Option(help="With --page: number of most probable tokens to show at each position.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per text.")]
Seed = Annotated[int, typer.Option(help="Random seed of the sampling.")]

ImageOut = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Images: a file for all of them in a grid, such as grid.png, or a folder for one file each."
    ),
]
ImageLabel = Annotated[
    list[str] | None, typer.Option("--label", help="Images: their label; repeatable. Default: all labels.")
]
ImageCount = Annotated[
    int | None, typer.Option("--count", help="Images: their number. By default 8 of each label; 12 of a walk.")
]
Guidance = Annotated[
    float | None,
    typer.Option(
        help="Images, by a diffusion model: how far the label is followed; 1 is plain, 0 not at all. Default: 1.5."
    ),
]
SamplingSteps = Annotated[
    int | None, typer.Option("--steps", help="Images, by a diffusion model: steps from noise to an image. Default: 15.")
]
Walk = Annotated[
    bool,
    typer.Option(
        "--walk", help="Images: a walk through the latent space, between two samples of one --label, or between labels."
    ),
]

# Which options cannot be combined, and why.
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
NEEDED |= {"diversity_penalty": "beam_groups", "top_logprobs": "page", "overwrite": "out"}
MOST_TEXTS = 1_000_000  # of a prompt
FOR_IMAGES = ("out", "overwrite", "label", "count", "guidance", "steps", "walk")
FOR_BOTH = ("bundle", "seed", "device")


def given_options(context: typer.Context) -> dict[str, object]:
    """Return the options that were given, by flag. Raises UserError for those that exclude or need each other."""
    values = context.params
    given = check_together(context, ALONE, NEEDED)
    if not 1 <= values["n"] <= MOST_TEXTS:
        raise UserError(f"--n is {values['n']}, expected 1 or more texts, {MOST_TEXTS:,} at most")
    if values["n"] > 1 and values["temperature"] == 0:
        raise UserError(
            f"--n {values['n']} with --temperature 0 would give the same text every time; leave one of them out"
        )
    if values["top_logprobs"] < 1:
        raise UserError(f"--top-logprobs is {values['top_logprobs']}, expected 1 or more")
    if values["page"]:
        check_page_path(values["page"])
    return {flag(name): values[name] for name in given if name not in ("bundle", "prompt", "page")}


def refuse_options_of(kind: str, context: typer.Context, name: str) -> None:
    """Raise UserError for an option that was given and is for the other kind of model. kind: "texts" or "images"."""
    for option in check_together(context, {}, {}):
        of = "both" if option in FOR_BOTH else "images" if option in FOR_IMAGES else "texts"
        if of not in ("both", kind):
            raise UserError(f"{flag(option)} is for {of}, and {name!r} makes {kind}; leave it out")
