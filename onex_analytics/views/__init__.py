"""The windows: result frames come in, Plotly figures and one stand-alone HTML file go out. Nothing is reckoned here.

This is the only room that imports Plotly.
"""

from __future__ import annotations

from onex_analytics.views import alerting, batching, error_patterns, overview, profiling, sampling, sizing
from onex_analytics.views.page import Section, html_figure, html_page
from onex_analytics.views.report import ReportFrames, report_page
from onex_analytics.views.report_of_alerts import AlertFrames, SweptRule
from onex_analytics.views.report_of_errors import ErrorChanges, ErrorContrast, ErrorExample, ErrorFrames
from onex_analytics.views.report_of_sampling import SamplingFrames
from onex_analytics.views.report_of_sizes import SizeFrames
from onex_analytics.views.report_of_work import BANDS, WorkFrames
from onex_analytics.views.tables import Column, html_table

__all__ = [
    "BANDS",
    "AlertFrames",
    "Column",
    "ErrorChanges",
    "ErrorContrast",
    "ErrorExample",
    "ErrorFrames",
    "ReportFrames",
    "SamplingFrames",
    "Section",
    "SizeFrames",
    "SweptRule",
    "WorkFrames",
    "alerting",
    "batching",
    "error_patterns",
    "html_figure",
    "html_page",
    "html_table",
    "overview",
    "profiling",
    "report_page",
    "sampling",
    "sizing",
]
