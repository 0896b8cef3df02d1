"""A toy encoder and a folder of texts: words that mean the same have one vector, so meaning can be tested by hand."""

import hashlib
from pathlib import Path

import numpy as np

from lingon.search.terms import terms_of

SAME = {"car": "automobile", "cars": "automobile", "doctor": "physician", "physicians": "physician"}


class ToyEncoder:
    """The mean of a random vector of each word, the same on every machine; counts the texts it was given."""

    def __init__(self, width: int = 13, seed: int = 0):
        self.width, self.seed, self.texts = width, seed, []

    def encode(self, texts):
        self.texts += texts
        return np.stack([np.mean([self._of(t) for t in terms_of(text)] or [np.ones(self.width)], 0) for text in texts])

    def _of(self, term):
        digest = hashlib.sha256(f"{self.seed} {SAME.get(term, term)}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "little")).normal(size=self.width).astype(np.float32)

    def calls(self) -> list[str]:
        """The texts since the last call, without those by which encoders are told apart."""
        from lingon.search.encoder import PROBES

        found, self.texts = [text for text in self.texts if text not in PROBES], []
        return found


def write_folder(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.txt").write_text("Cars need fuel.\n\nBread needs flour.")
    (folder / "b.md").write_text("# Health\n\nA physician heals.\n\n## Diet\n\nEat vegetables daily.\n")
    (folder / "page.html").write_text("<title>Weather</title><p>Rain falls on the plain.</p>")
    (folder / "sub").mkdir()
    rows = "title,text,topic\nOne,Birds sing at dawn.,nature\nTwo,Banks lend.,money\n"
    (folder / "sub" / "table.csv").write_text(rows)
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.txt").write_text("secret")
    return folder
