"""What fails and why: codes, message templates, groups, rates, cascades.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.error_patterns.codes import extract_error_codes
    from onex_analytics.error_patterns.templates import TemplateModel, mine_templates
    from onex_analytics.error_patterns.tracebacks import parse_tracebacks

__all__ = [
    "TemplateModel",
    "extract_error_codes",
    "mine_templates",
    "parse_tracebacks",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "codes": ("extract_error_codes",),
    "templates": ("TemplateModel", "mine_templates"),
    "tracebacks": ("parse_tracebacks",),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
