"""Sphinx extension: a link to a file outside docs/, not held by the site, becomes its path in the repository."""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

# Files outside that are pages of the site all the same.
PAGES = {"CHANGELOG.md": "changelog", "CONTRIBUTING.md": "contributing", "README.md": "index"}


class RepositoryLinks(SphinxTransform):
    """Replace links that leave docs/: by the page that shows the file, or by its path in code type."""

    default_priority = 5

    def apply(self) -> None:
        docs = Path(self.app.srcdir).resolve()
        for link in list(self.document.findall(addnodes.pending_xref)):
            self._replace(link, docs)
        for link in list(self.document.findall(addnodes.download_reference)):
            self._replace(link, docs)

    def _replace(self, link: nodes.Element, docs: Path) -> None:
        target = link.get("reftarget", "").split("#")[0]
        if "/" not in target:
            return
        path = (docs / self.env.docname).parent.joinpath(target).resolve()
        if path.is_relative_to(docs) or not path.is_relative_to(docs.parent):
            return
        name = path.relative_to(docs.parent).as_posix()
        if name not in PAGES:
            link.replace_self(nodes.literal(text=name))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(RepositoryLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
