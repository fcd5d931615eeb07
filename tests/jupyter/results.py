"""One small result of every class that is shown, and a shell to show them in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import polars as pl
from traitlets.config import Config

from onex_analytics import alerting, batching, error_patterns, model, pipeline, sampling, settings, sizing, synthetic
from onex_analytics.alerting.notification import PageAlert
from onex_analytics.model.shapes import EVENTS
from onex_analytics.sampling import tail_policies
from onex_analytics.sampling.tail_sampler import Decided

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
EVIL = '<script>alert("pwned")</script><img src=x onerror=alert(1)>'
EVENT = {
    "event_id": "c0ffee00-1234-4abc-8def-0123456789ab", "timestamp": "2026-11-02T12:00:00Z", "node_id": EVIL,
    "event_type": "NODE_START", "metadata": {"input_state": EVIL},
}  # fmt: skip
TEST_FILE = f"""
rule_files: [presets]
tests:
- name: {EVIL!r}
  input_events:
  - {{event: {{node: a, event_type: NODE_REGISTER}}, at: 1s, every: 1m, times: 10}}
  expect:
  - {{at: 4m, alert: RestartLoop, pending: [], firing: []}}
"""


@cache
def log(nodes: tuple[str, ...] = ("a", EVIL), minutes: int = 120) -> pl.DataFrame:
    """A start and an end a minute of every node; in the second quarter all ends are failures."""
    rows = []
    for minute in range(minutes):
        for node in nodes:
            failed = minutes // 4 <= minute < minutes // 2
            at = NOON + timedelta(minutes=minute)
            known = {"node": node, "family": "node", "correlation_id": f"{node} {minute}", "operation": "load",
                     "adjusted_count": 1.0, "size_bytes": 300}  # fmt: skip
            rows.append(known | {"event_id": f"s {node} {minute}", "timestamp": at, "outcome": "start",
                                 "event_type": "NODE_START"})  # fmt: skip
            rows.append(known | {
                "event_id": f"e {node} {minute}", "timestamp": at + timedelta(seconds=1), "execution_time_ms": 1000.0,
                "outcome": "failure" if failed else "success",
                "event_type": "NODE_FAILURE" if failed else "NODE_SUCCESS",
                "error_message": f"lost {minute} rows of {node}" if failed else None,
            })  # fmt: skip
    return pl.DataFrame(rows, EVENTS, infer_schema_length=None)


INCIDENTS = [{"id": EVIL, "start": NOON + timedelta(minutes=30), "end": NOON + timedelta(minutes=60)}]


@cache
def rules(threshold: float = 3) -> alerting.RuleSet:
    """One rule, whose name is as evil as a name may be."""
    cell = {"count": {"of": "outcome == 'failure'", "window": "5m"}, "threshold": threshold}
    some = {"alert": "Busy", "by": ["node"], "when": cell, "for": "1m", "annotations": {"summary": EVIL}}
    return alerting.RuleSet.model_validate({"groups": [{"name": "g", "rules": [some]}]})


@cache
def backtest() -> alerting.Backtest:
    return alerting.backtest(rules(), log(), INCIDENTS)


def _engine() -> alerting.AlertEngine:
    engine = alerting.AlertEngine(rules(), schema=log().schema)
    engine.process(log().head(140))
    return engine


def _pipeline() -> pipeline.EventPipeline:
    with pipeline.EventPipeline(lambda payloads: None, batch=batching.BatchPolicy(max_size=2)) as held:
        held.emit(EVENT)
    return held


def _tail_sampler() -> sampling.TailSampler:
    policies = [{"kind": "status_code"}]
    return sampling.TailSampler(sampling.TailPolicy.model_validate({"name": EVIL, "policies": policies}))


async def _nothing(events: list[Any]) -> None:
    """An exporter that takes all."""


def _suggestion() -> alerting.Suggestion:
    """Of a day with four rushes."""
    rushes = [{"id": f"rush {hour}", "start": NOON + timedelta(hours=hour), "end": NOON + timedelta(hours=hour + 0.2)}
              for hour in (3, 9, 15, 21)]  # fmt: skip
    times = [NOON + timedelta(minutes=minute) for minute in range(24 * 60)]
    times += [rush["start"] + timedelta(seconds=second) for rush in rushes for second in range(300)]
    events = pl.DataFrame({"event_id": [str(number) for number in range(len(times))], "timestamp": times})
    busy = alerting.Rule.model_validate({"alert": "Busy", "when": {"count": {"window": "5m"}, "threshold": 3}})
    return alerting.suggest(busy, events, rushes, max_pages_per_day=5)


@cache
def _simulation() -> sampling.Simulation:
    policies = [sampling.ProbabilityPolicy(name=name, probability=0.3) for name in (EVIL, "other")]
    return sampling.simulate(policies, log(), by="node")


@cache
def _choice() -> sampling.Choice:
    return sampling.choose(log(), budget=0.6)


TAIL_CONDITIONS: dict[Any, dict[str, Any]] = {
    tail_policies.AlwaysSample: {}, tail_policies.StatusCode: {}, tail_policies.Latency: {"threshold_ms": 5},
    tail_policies.SpanCount: {"min_events": 2},
    tail_policies.StringAttribute: {"key": "node", "values": [EVIL]},
    tail_policies.NumericAttribute: {"key": "execution_time_ms", "min_value": 1},
    tail_policies.BooleanAttribute: {"key": "flag", "value": True},
}  # fmt: skip

MAKE: dict[str, Callable[[], Any]] = {
    "Backtest": backtest,
    "Comparison": lambda: alerting.compare_rules(rules(), rules(5), log(), INCIDENTS),
    "Explanation": lambda: alerting.explain(backtest(), 0),
    "Suggestion": _suggestion,
    "WhatIfSampled": lambda: alerting.what_if_sampled(rules(), log(), pl.lit(0.5), INCIDENTS, seeds=2),
    "Load": lambda: backtest().load,
    "RuleSet": rules,
    "Group": lambda: rules().groups[0],
    "Rule": lambda: rules().rule("Busy"),
    "When": lambda: rules().rule("Busy").when,
    "RuleTestReport": lambda: alerting.run_rule_tests(TEST_FILE),
    "PrometheusExport": lambda: alerting.export_prometheus(rules(), backtest().stretches()),
    "PrometheusImport": lambda: alerting.import_lifecycle(
        "groups:\n- name: g\n  rules:\n  - {alert: Busy, expr: up, for: 9m}", rules()
    ),
    "Page": lambda: alerting.Page(0, EVIL, "new", "{}", (("node", EVIL),),
                                  (PageAlert("g", "Busy", (("node", EVIL),), (), 3.0, 0, None),), ()),
    "AlertEngine": _engine,
    "EventAlertingEngine": alerting.EventAlertingEngine,
    "Evaluation": lambda: alerting.Evaluation(rules(), log().schema),
    "BatchingResult": lambda: batching.simulate_batching(batching.BatchPolicy(name=EVIL), log().lazy()),
    "Preset": lambda: batching.PRESETS["otel-spans"],
    "CompressionCurve": lambda: batching.CompressionCurve(codec="zstd", level=3, batch_bytes=(9.0,), shares=(0.5,)),
    "ServiceTime": batching.ServiceTime,
    "BatchPolicy": lambda: batching.BatchPolicy(name=EVIL),
    "BatchCounts": lambda: batching.BatchCounts(added=3, exported=1, pending=1, batches=1, dropped={"full": 1}),
    "EventBatcher": lambda: batching.EventBatcher(10),
    "AsyncEventBatcher": lambda: batching.AsyncEventBatcher(10, exporter=_nothing),
    "EventPipeline": _pipeline,
    "PipelineCounts": lambda: _pipeline().counts(),
    "StageCounts": lambda: _pipeline().counts().stages[0],
    "EventSampler": lambda: sampling.EventSampler({"NODE_*": 0.1}),
    "TailSampler": _tail_sampler,
    "DynamicSampler": lambda: sampling.DynamicSampler(sampling.DynamicPolicy(name=EVIL, by=["node"])),
    "TailPolicy": lambda: _tail_sampler().policy,
    "DynamicPolicy": lambda: sampling.DynamicPolicy(name=EVIL, by=["node"]),
    **{kind.__name__: partial(kind.model_validate, fields) for kind, fields in TAIL_CONDITIONS.items()},
    "ProbabilityPolicy": lambda: sampling.ProbabilityPolicy(name=EVIL, probability=0.3),
    "RulePolicy": lambda: _choice().policy,
    "SampleRule": lambda: sampling.SampleRule(name=EVIL, probability=0.3),
    "TraceIdRatioBased": lambda: sampling.TraceIdRatioBased(probability=0.25),
    "Metric": lambda: sampling.metric_of("error_rate"),
    "Prices": lambda: sampling.Prices(gigabyte=3),
    "Simulation": _simulation,
    "Choice": _choice,
    "PolicyFile": lambda: sampling.load_policies(sampling.dump_policies(_choice().policy).text),
    "PolicyText": lambda: sampling.dump_policies(_choice().policy),
    "Decision": lambda: sampling.Decision(True, 0.5, 2.0, EVIL),
    "Decided": lambda: Decided(EVENT, sampling.Decision(True, 0.5, 2.0, EVIL)),
    "TemplateModel": lambda: error_patterns.mine_templates(log()),
    "CodeRule": lambda: error_patterns.CodeRule(match="lost", code="ONEX_SYS_901_DISK_FULL"),
    "GroupingRule": lambda: error_patterns.GroupingRule(name=EVIL, match={"node": "a"}, group="one"),
    "OnexEvent": lambda: model.OnexEvent.model_validate(EVENT),
    "Metadata": lambda: model.Metadata.model_validate({"input_state": EVIL}),
    "Validated": lambda: model.validate(EVENT),
    "Transformed": lambda: model.transformed(EVENT, "1.0.0"),
    "ErrorCode": lambda: model.ErrorCodeTaxonomy.default().codes[0],
    "Resolution": lambda: model.ErrorCodeTaxonomy.default().resolve(EVIL),
    "ErrorCodeTaxonomy": model.ErrorCodeTaxonomy.default,
    "Encoded": lambda: sizing.encode(EVENT, sizing.SizePolicy()),
    "SizePolicy": lambda: sizing.SizePolicy(name=EVIL),
    "Settings": settings.Settings,
    "SamplingSettings": settings.SamplingSettings,
    "SyntheticLog": lambda: synthetic.generate(500),
    "Written": lambda: synthetic.Written("log.jsonl", 3, 2, 1, 0, 0, 400),
    "Incident": lambda: synthetic.Incident(kind="deploy", start=0.1, end=0.2),
    "Traps": synthetic.Traps,
}  # fmt: skip
"""By class, how one of it is made. The store and its report are made in the tests that have a folder."""


@cache
def made(name: str) -> Any:
    """One of a class, the same in all tests."""
    return MAKE[name]()


NO_HISTORY = Config(HistoryManager={"enabled": False})
"""Of a shell that keeps nothing of what is typed."""
