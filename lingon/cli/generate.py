"""lingon generate and lingon logprob: a model generates text or images, or gives the probability of a text."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from lingon.cli import generate_options as options
from lingon.cli.generate_images import generate_images, makes_images
from lingon.cli.load_task import load_for
from lingon.cli.text_options import Overwrite


def generate(
    context: typer.Context,
    bundle: options.ModelSource,
    prompt: options.Prompt = None,
    prompt_file: options.PromptFile = None,
    max_new_tokens: options.MaxNewTokens = 100,
    n: options.NumberOfTexts = 1,
    temperature: options.Temperature = 1.0,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    min_p: options.MinP = None,
    typical_p: options.TypicalP = None,
    repetition_penalty: options.RepetitionPenalty = None,
    no_repeat_ngram_size: options.NoRepeatNgramSize = None,
    logit_bias: options.LogitBias = None,
    stop: options.StopStrings = None,
    regex: options.Regex = None,
    json_schema: options.JsonSchema = None,
    contrastive: options.Contrastive = None,
    beams: options.Beams = None,
    length_penalty: options.LengthPenalty = 0.6,
    beam_groups: options.BeamGroups = 1,
    diversity_penalty: options.DiversityPenalty = 0.5,
    early_stopping: options.EarlyStopping = "never",
    draft_model: options.DraftModel = None,
    int8: options.Int8 = False,
    page: options.Page = None,
    top_logprobs: options.TopLogprobs = 8,
    as_json: options.AsJson = False,
    out: options.ImageOut = None,
    overwrite: Overwrite = False,
    label: options.ImageLabel = None,
    count: options.ImageCount = None,
    guidance: options.Guidance = None,
    steps: options.SamplingSteps = None,
    walk: options.Walk = False,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
) -> None:
    """Generate a continuation of a prompt with a language model, or images with an image generator."""
    given = options.given_options(context)
    from lingon.cli import generate_output as output
    from lingon.core.files import read_json
    from lingon.decoding.json_schema import MAX_SCHEMA_LENGTH
    from lingon.decoding.sampling_params import SamplingParams

    prompts = output.prompts_of(prompt or (), prompt_file)
    schema = None if json_schema is None else read_json(json_schema, MAX_SCHEMA_LENGTH)
    params = SamplingParams(
        max_new_tokens, temperature, top_k if contrastive is None else None, top_p, min_p, typical_p,
        repetition_penalty, no_repeat_ngram_size, stop=tuple(stop or ()), regex=regex, json_schema=schema, seed=seed,
    )  # fmt: skip
    beam_search = output.beam_params_of(
        beams, max_new_tokens, length_penalty, n, beam_groups, diversity_penalty, early_stopping
    )
    task = load_for("generate", bundle, device)
    if makes_images(task):
        options.refuse_options_of("images", context, bundle)
        generate_images(task, out, overwrite, walk, count, labels=label, seed=seed, guidance=guidance, steps=steps)
        return
    options.refuse_options_of("texts", context, bundle)
    model = output.for_decoding(_language_model(task), int8)
    draft = None
    if draft_model:
        draft = output.for_decoding(_language_model(load_for("generate", draft_model, device)), int8)
    params = replace(params, logit_bias=output.logit_bias_of(model, logit_bias or ()))
    strategy = output.strategy_of(model, contrastive, top_k, draft)
    decoding = output.Decoding(model, prompts, params, strategy, beam_search, n)
    if not (page or as_json or beam_search or n > 1):
        decoding.stream()
        return
    texts = decoding.print_all(as_json, top_logprobs if page else 0)
    if page:
        output.write_page(page, model, texts, bundle, given, top_logprobs)


def logprob(
    bundle: options.ModelSource,
    text: Annotated[str, typer.Argument(help="The text.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    device: options.Device = "cpu",
) -> None:
    """Show the log-probability of each token of a text under a language model."""
    from lingon.cli.logprob_output import logprob_lines

    print(logprob_lines(_language_model(load_for("logprob", bundle, device)), text, as_json))


def _language_model(task: Any) -> Any:
    """Return a loaded language model, or that of a chat model."""
    from lingon.tasks.chat.chat_model import language_model_in

    return language_model_in(task)
