"""What fails and why: codes, message templates, groups, rates, cascades.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.error_patterns.codes import extract_error_codes

__all__ = ["extract_error_codes"]

_LOADED_LATER: dict[str, tuple[str, ...]] = {"codes": ("extract_error_codes",)}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
