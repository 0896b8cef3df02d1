"""Language modeling: a model that is trained on running text, generates text, and says how likely a text is."""

from lingon.tasks.language_model.language_model import TASK, LanguageModel
from lingon.tasks.language_model.sampling_params import Manner

__all__ = ["TASK", "LanguageModel", "Manner"]
