"""How the pages of docs/ become a site: `make docs`. It needs no network, neither to be built nor to be read."""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "docs" / "_extensions"), str(ROOT)]

import lingon  # noqa: E402

project, author, version, release = "Lingon", "the authors of Lingon", lingon.__version__, lingon.__version__
copyright = "the authors of Lingon, Apache-2.0"
extensions = ["myst_nb", "sphinx.ext.autodoc", "command_cells", "warm_commands", "plain_docstrings", "repository_links"]
exclude_patterns = ["_build", "_extensions", "README.md"]

# Pages are Markdown; how-tos are Markdown notebooks that run whenever the site is built, each in a folder of its own.
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_show_tb = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_ipywidgets_js = {}  # or every notebook page would ask a network for scripts

# Commands of the how-tos: `lingon` is the one of this environment, and a command that fails ends the build.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ["IPYTHONDIR"] = tempfile.mkdtemp(prefix="lingon-docs-")
os.environ["PYTHONSTARTUP"] = str(ROOT / "docs" / "_extensions" / "notebook_commands.py")
os.environ.update(COLUMNS="110", NO_COLOR="1", OMP_NUM_THREADS="1", PYTHONWARNINGS="ignore")

autodoc_default_options = {"members": True, "undoc-members": False}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"  # shapes are part of it
autodoc_typehints_format = "short"
autodoc_inherit_docstrings = False  # PyTorch's `forward` explains nothing of ours
python_maximum_signature_line_length = 100
suppress_warnings = ["ref.python"]  # a type such as `bytes` in a signature, where attributes have that name too

html_theme = "furo"
html_title = f"Lingon {lingon.__version__}"
html_show_sphinx = False
