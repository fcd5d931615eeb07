"""How `make docs` builds the pages: Sphinx, MyST and furo, nothing fetched, every warning an error."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

project = "onex_analytics"
author = "the onex_analytics authors"
copyright = author
version = release = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "extension"]
exclude_patterns = ["images/*.py"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", ".*"),  # words in backticks: a link where one of our names is meant, else plain
    ("py:.*", r"(?!onex_analytics\b).*"),  # other packages' names, and short ones
]
nitpick_ignore = [  # ours, named in signatures, and not for use by others
    ("py:class", f"onex_analytics.{name}")
    for name in (
        "alerting.backtesting._Feed", "alerting.outbox.Outbox", "batching.async_batcher.E", "batching.batcher.E",
        "batching.policies.Limits", "jupyter.formatters.Shell", "synthetic.traces.Scene", "synthetic.wire.Writer",
    )
]  # fmt: skip

# ------------------------------------------------------------------ pages

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
default_role = "ours"

# ------------------------------------------------------------------ docstrings

autodoc_member_order = "alphabetical"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_use_type_comments = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
add_module_names = False
toc_object_entries = False  # a room begins with a table of its names; and each page would carry all of them

# ------------------------------------------------------------------ how it looks

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "onex_analytics"
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # it would fetch pages, which a browser refuses for files
html_theme_options = {
    "light_css_variables": {"font-stack": "system-ui, sans-serif"},
    "top_of_page_buttons": [],
}
html_static_path = ["static"]
html_css_files = ["pages.css"]
