"""Questions on scenes of stamps, composed on request from the stamps of Tux Paint."""

from pathlib import Path

from lingon.data.corpora.stamps import tuxpaint_stamps
from lingon.data.image_questions import ImageQuestionSplits
from lingon.data.scene_questions import scene_questions
from lingon.data.scenes import Composer


def stamp_scene_questions(path: Path) -> ImageQuestionSplits:
    """Compose scenes of 64 x 64 pixels of 20 nouns, with questions; see `lingon.data.scene_questions`. Constructed."""
    composer = Composer(tuxpaint_stamps(path).all())
    source = {"name": "scene-questions", "constructed": True}
    return ImageQuestionSplits(*scene_questions(composer), name="scene-questions", source=source)
