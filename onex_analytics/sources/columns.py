"""Names on their way to `spans` and `texts`."""

from onex_analytics.sources.spans import Spans as Spans
from onex_analytics.sources.texts import text as text
