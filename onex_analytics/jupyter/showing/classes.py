"""Which class is shown by which function: names only, so that nothing is loaded before it is shown."""

from __future__ import annotations

_BY_MODULE: dict[str, dict[str, tuple[str, ...]]] = {
    "alerts": {
        "backtest": ("alerting.backtesting.Backtest",),
        "comparison": ("alerting.comparisons.Comparison",),
        "explanation": ("alerting.explanations.Explanation",),
        "suggestion": ("alerting.suggestions.Suggestion",),
        "what_if_sampled": ("alerting.sampled_logs.WhatIfSampled",),
        "load": ("alerting.scoring.Load",),
    },
    "batches": {
        "batching_result": ("batching.shapes.BatchingResult",),
        "preset": ("batching.presets.Preset",),
        "compression_curve": ("batching.compression.CompressionCurve",),
    },
    "counts": {
        "batch_counts": ("batching.backlog.BatchCounts",),
        "pipeline_counts": ("pipeline.PipelineCounts",),
        "stage_counts": ("pipeline.StageCounts",),
        "batcher": ("batching.async_batcher.AsyncEventBatcher", "batching.batcher.EventBatcher"),
        "pipeline": ("pipeline.EventPipeline",),
    },
    "engines": {
        "alert_engine": ("alerting.engine.AlertEngine",),
        "event_alerting": ("alerting.event_alerting.EventAlertingEngine",),
        "evaluation": ("alerting.evaluating.Evaluation",),
        "event_sampler": ("sampling.sampler.EventSampler",),
        "tail_sampler": ("sampling.tail_sampler.TailSampler",),
        "dynamic_sampler": ("sampling.dynamic_sampler.DynamicSampler",),
    },
    "events": {
        "event": ("model.events.OnexEventV1_0",),
        "validated": ("model.validation.Validated",),
        "transformed": ("model.upcasters.Transformed",),
        "decision": ("sampling.deciding.Decision",),
        "decided": ("sampling.tail_sampler.Decided",),
        "encoded": ("sizing.encoding.Encoded",),
        "error_code": ("model.error_codes.ErrorCode",),
        "resolution": ("model.error_codes.Resolution",),
        "taxonomy": ("model.error_codes.ErrorCodeTaxonomy",),
    },
    "logs": {
        "store": ("store.event_store.EventStore",),
        "ingest_report": ("store.report.IngestReport",),
        "synthetic_log": ("synthetic.log.SyntheticLog",),
        "written": ("synthetic.log.Written",),
    },
    "models": {
        "settings": (
            "alerting.conditions.When",
            "batching.exporters.ServiceTime",
            "batching.policies.BatchPolicy",
            "error_patterns.classes.CodeRule",
            "error_patterns.grouping_rules.GroupingRule",
            "model.metadata.Metadata",
            "sampling.dynamic_policies.DynamicPolicy",
            "sampling.metrics.Metric",
            "sampling.policies.ProbabilityPolicy",
            "sampling.policies.SampleRule",
            "sampling.simulation.Prices",
            "sampling.tail_policies.AlwaysSample",
            "sampling.tail_policies.BooleanAttribute",
            "sampling.tail_policies.Latency",
            "sampling.tail_policies.NumericAttribute",
            "sampling.tail_policies.SpanCount",
            "sampling.tail_policies.StatusCode",
            "sampling.tail_policies.StringAttribute",
            "sampling.tail_policies.TailPolicy",
            "sampling.trace_id_ratio.TraceIdRatioBased",
            "settings.SamplingSettings",
            "settings.Settings",
            "sizing.policies.SizePolicy",
            "synthetic.incidents.Incident",
            "synthetic.traps.Traps",
        ),
    },
    "rules": {
        "rule_set": ("alerting.rules.RuleSet",),
        "group": ("alerting.rules.Group",),
        "rule": ("alerting.rules.Rule",),
        "rule_test_report": ("alerting.rule_tests.RuleTestReport",),
        "prometheus_export": ("alerting.prometheus.PrometheusExport",),
        "prometheus_import": ("alerting.prometheus_import.PrometheusImport",),
        "page": ("alerting.notification.pages.Page",),
    },
    "samples": {
        "simulation": ("sampling.simulation.Simulation",),
        "choice": ("sampling.choosing.Choice",),
        "rule_policy": ("sampling.policies.RulePolicy",),
        "policy_file": ("sampling.policy_files.PolicyFile",),
        "policy_text": ("sampling.policy_files.PolicyText",),
    },
    "templates": {"template_model": ("error_patterns.templates.TemplateModel",)},
}

CARDS: dict[tuple[str, str], tuple[str, str]] = {
    (f"onex_analytics.{path.rpartition('.')[0]}", path.rpartition(".")[2]): (module, function)
    for module, functions in _BY_MODULE.items()
    for function, paths in functions.items()
    for path in paths
}
"""(module, class) → (module of this folder, function). Classes that inherit from one of these are shown like it."""

DRAWN: frozenset[tuple[str, str]] = frozenset(
    key for key, (_, function) in CARDS.items()
    if function in {"backtest", "comparison", "explanation", "suggestion", "what_if_sampled", "batching_result",
                    "simulation", "choice"}
)  # fmt: skip
"""Those of which people would rather look at a figure: it stands below the card."""
