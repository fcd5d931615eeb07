"""Alert rules: one rule, live and on history. A backtest says exactly what the live engine would have done.

    rules = load_rules("rules.yaml")           # groups of rules, as Prometheus has them, over the events' columns
    presets()                                  # the default alerts of upstream
    result = backtest(rules, events, incidents=incidents)   # transitions, alerts, pages, scores

Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.alerting.backtesting import Backtest, backtest
    from onex_analytics.alerting.comparisons import Comparison, compare_rules, stability
    from onex_analytics.alerting.conditions import When
    from onex_analytics.alerting.detections import delay_distribution, incident_matrix
    from onex_analytics.alerting.engine import AlertEngine
    from onex_analytics.alerting.evaluating import Evaluation
    from onex_analytics.alerting.event_alerting import EventAlertingEngine
    from onex_analytics.alerting.explanations import Explanation, explain, why_not
    from onex_analytics.alerting.filters import Arithmetic, Filter
    from onex_analytics.alerting.frontiers import frontier
    from onex_analytics.alerting.incidents import load_incidents
    from onex_analytics.alerting.loading import check_rules, load_rules, presets
    from onex_analytics.alerting.notification import Notifier, Page, pages_frame
    from onex_analytics.alerting.other_scores import nab_scores, range_scores
    from onex_analytics.alerting.paging_hours import pages_by_hour
    from onex_analytics.alerting.prometheus import export_prometheus
    from onex_analytics.alerting.prometheus_import import import_lifecycle
    from onex_analytics.alerting.receivers import Alertmanager, JsonLines, Printed, Webhook
    from onex_analytics.alerting.rule_tests import RuleTestReport, run_rule_tests
    from onex_analytics.alerting.rules import Group, Rule, RuleSet
    from onex_analytics.alerting.sampled_logs import WhatIfSampled, what_if_sampled
    from onex_analytics.alerting.suggestions import Suggestion, suggest
    from onex_analytics.alerting.sweeps import sweep
    from onex_analytics.alerting.timelines import values_over_time
    from onex_analytics.alerting.watching import watched

__all__ = [
    "AlertEngine",
    "Alertmanager",
    "Arithmetic",
    "Backtest",
    "Comparison",
    "Evaluation",
    "EventAlertingEngine",
    "Explanation",
    "Filter",
    "Group",
    "JsonLines",
    "Notifier",
    "Page",
    "Printed",
    "Rule",
    "RuleSet",
    "RuleTestReport",
    "Suggestion",
    "Webhook",
    "WhatIfSampled",
    "When",
    "backtest",
    "check_rules",
    "compare_rules",
    "delay_distribution",
    "explain",
    "export_prometheus",
    "frontier",
    "import_lifecycle",
    "incident_matrix",
    "load_incidents",
    "load_rules",
    "nab_scores",
    "pages_by_hour",
    "pages_frame",
    "presets",
    "range_scores",
    "run_rule_tests",
    "stability",
    "suggest",
    "sweep",
    "values_over_time",
    "watched",
    "what_if_sampled",
    "why_not",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "backtesting": ("Backtest", "backtest"),
    "comparisons": ("Comparison", "compare_rules", "stability"),
    "conditions": ("When",),
    "detections": ("delay_distribution", "incident_matrix"),
    "engine": ("AlertEngine",),
    "evaluating": ("Evaluation",),
    "event_alerting": ("EventAlertingEngine",),
    "explanations": ("Explanation", "explain", "why_not"),
    "filters": ("Arithmetic", "Filter"),
    "frontiers": ("frontier",),
    "incidents": ("load_incidents",),
    "loading": ("check_rules", "load_rules", "presets"),
    "notification": ("Notifier", "Page", "pages_frame"),
    "paging_hours": ("pages_by_hour",),
    "prometheus": ("export_prometheus",),
    "prometheus_import": ("import_lifecycle",),
    "receivers": ("Alertmanager", "JsonLines", "Printed", "Webhook"),
    "rule_tests": ("RuleTestReport", "run_rule_tests"),
    "other_scores": ("nab_scores", "range_scores"),
    "rules": ("Group", "Rule", "RuleSet"),
    "sampled_logs": ("WhatIfSampled", "what_if_sampled"),
    "timelines": ("values_over_time",),
    "suggestions": ("Suggestion", "suggest"),
    "sweeps": ("sweep",),
    "watching": ("watched",),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
