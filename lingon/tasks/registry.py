"""All tasks by name: whatever asks "which task is this?" asks this table.

A new task is one file with a `TASK`, and one row in TASKS. The table imports no torch: a task's file is imported when
the task is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from lingon.core.errors import unknown
from lingon.tasks.task_row import TaskRow

if TYPE_CHECKING:
    from lingon.models.registry import Role
    from lingon.tasks.task import Task

TASKS: dict[str, TaskRow] = {
    "classify": TaskRow(
        "lingon.tasks.classify",
        "classifier",
        "labelled texts",
        noun="classifier",
        commands=("predict", "export"),
        usage="predict {} 'A text.'",
        help="Train a text or image classifier on a corpus, or on your own file or folder.",
        metric="accuracy",
        settings="lingon.tasks.classify.settings",
    ),
    "classify-images": TaskRow(
        "lingon.tasks.classify_images",
        "image-classifier",
        "labelled images",
        noun="image classifier",
        commands=("predict", "export"),
        usage="predict {} photo.png",
        help="Train an image classifier: the same as lingon train classify with images as data.",
        metric="accuracy",
        settings="lingon.tasks.classify.settings",
        trained=False,
        inputs="images",
    ),
    "language-model": TaskRow(
        "lingon.tasks.language_model",
        "causal",
        "running text",
        noun="language model",
        commands=("generate", "logprob", "predict", "chat", "export"),
        usage="generate {} --prompt 'The day was'",
        help="Train a language model on running text, and generate from it.",
        metric="perplexity",
        settings="lingon.tasks.language_model.settings",
    ),
    "embed": TaskRow(
        "lingon.tasks.embed",
        "encoder",
        "pairs of texts",
        noun="encoder",
        commands=("embed", "predict", "export"),
        usage="embed {} 'A text.'",
        help="Train a sentence encoder on pairs of texts, so that texts with similar meanings get similar vectors.",
        metric="spearman",
        settings="lingon.tasks.embed.settings",
    ),
    "masked-language-model": TaskRow(
        "lingon.tasks.masked_language_model",
        "encoder",
        "running text",
        noun="masked language model",
        commands=("predict",),
        usage="predict {} 'It was a [MASK] day.'",
        help="Pretrain an encoder on running text by masked language modelling.",
        metric="loss",
        settings="lingon.tasks.masked_language_model.settings",
    ),
    "answer": TaskRow(
        "lingon.tasks.answer",
        "answerer",
        "questions",
        noun="answerer",
        commands=("ask", "predict"),
        usage="ask {} --context passage.txt 'A question?'",
        help="Train an extractive question answering model, which finds the answer to a question in a passage.",
        metric="f1",
        settings="lingon.tasks.answer.settings",
    ),
    "parse": TaskRow(
        "lingon.tasks.parse",
        "parser",
        "trees",
        noun="parser",
        commands=("predict",),
        usage="predict {} 'A sentence.'",
        help="Train a dependency parser on a treebank, or on your own CoNLL-U files.",
        metric="las",
        settings="lingon.tasks.parse.settings",
    ),
    "detect": TaskRow(
        "lingon.tasks.detect",
        "detector",
        "images with boxes",
        noun="detector",
        commands=("predict", "export"),
        usage="predict {} photo.jpg",
        help="Train an object detector on images with boxes: a data set, or your own Pascal VOC, COCO or YOLO files.",
        metric="map",
        settings="lingon.tasks.detect.settings",
        inputs="images",
    ),
    "tag": TaskRow(
        "lingon.tasks.tag",
        "tagger",
        "tagged sentences",
        noun="tagger",
        commands=("predict",),
        usage="predict {} 'A sentence.'",
        help="Train a tagger (parts of speech, named entities, slots) on sentences with tagged words.",
        metric="accuracy",
        settings="lingon.tasks.tag.settings",
    ),
    "translate": TaskRow(
        "lingon.tasks.translate",
        "seq2seq",
        "parallel texts",
        noun="translator",
        commands=("translate", "predict", "export"),
        usage="translate {} 'A text.'",
        help="Train a translation model, or any text-to-text model, on pairs of source and target texts.",
        metric="bleu",
        settings="lingon.tasks.translate.settings",
    ),
    "rewrite": TaskRow(
        "lingon.tasks.rewrite",
        "seq2seq",
        "labelled texts",
        noun="rewriter",
        commands=("predict",),
        usage="predict {} 'A sentence.'",
        help="Train a text style transfer model on sentences with two labels: it rewrites one style as the other.",
        metric="harmonic_mean",
        settings="lingon.tasks.rewrite.settings",
    ),
    "chat": TaskRow(
        "lingon.tasks.chat",
        "causal",
        "conversations",
        noun="chat model",
        commands=("chat", "generate", "logprob", "predict", "export"),
        usage="chat {}",
        help="Fine-tune a language model for chat: on conversations, or on preferences (DPO).",
        metric="loss",
        settings="lingon.tasks.chat.settings",
    ),
    "vqa": TaskRow(
        "lingon.tasks.visual_answer",
        "image-answerer",
        "questions on images",
        noun="visual answerer",
        commands=("ask", "predict"),
        usage="ask {} --image photo.png 'A question?'",
        help="Train a visual question answering model, which chooses among the answers of its training data.",
        metric="accuracy",
        settings="lingon.tasks.visual_answer.settings",
        inputs="questions on images",
    ),
    "caption": TaskRow(
        "lingon.tasks.caption",
        "captioner",
        "captioned images",
        noun="captioner",
        commands=("predict", "export"),
        usage="predict {} photo.png",
        help="Train an image captioning model on images with captions.",
        metric="cider_d",
        settings="lingon.tasks.caption.settings",
        inputs="images",
    ),
    "segment": TaskRow(
        "lingon.tasks.segment",
        "segmenter",
        "images with masks",
        noun="segmenter",
        commands=("predict", "export"),
        usage="predict {} photo.png --out mask.png",
        help="Train a semantic segmentation model on images with masks.",
        metric="miou",
        settings="lingon.tasks.segment.settings",
        inputs="images",
        makes_images=True,
    ),
    "style": TaskRow(
        "lingon.tasks.style",
        "stylizer",
        "images",
        noun="style network",
        commands=("stylize", "predict"),
        usage="predict {} photo.jpg --out out.png",
        help="Train a style transfer network for one painting (Johnson et al. 2016).",
        metric="loss",
        settings="lingon.tasks.style.settings",
        inputs="images",
        makes_images=True,
    ),
    "synthesize": TaskRow(
        "lingon.tasks.synthesize",
        "image-generator",
        "labelled images",
        noun="image generator",
        inputs="images",
        commands=("generate",),
        usage="generate {} --out images.png",
        help="Train an image generator on labelled images: a VAE, a DCGAN or a diffusion model.",
        metric="frechet_distance",
        settings="lingon.tasks.synthesize.settings",
    ),
}


def row_of(name: object) -> TaskRow:
    """Return the row of a task. Raises UserError for a name that is not in the table."""
    if not isinstance(name, str) or name not in TASKS:
        raise unknown("task", str(name), TASKS)
    return TASKS[name]


def task_of(name: object) -> "type[Task]":
    """Return the class of a task. Raises UserError for a name that is not in the table; nothing else is imported."""
    return import_module(row_of(name).module).TASK


def task_for(role: "Role") -> "type[Task]":
    """Return the task of models of this role, the first of the table: that of a published checkpoint."""
    return task_of(next(name for name, row in TASKS.items() if row.role == role))


def settings_of(name: object) -> type:
    """Return the class of what can be chosen for the training of a task. Raises UserError for an unknown name."""
    row = row_of(name)
    return import_module(row.settings or row.module).Settings
