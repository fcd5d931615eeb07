"""`AlertingRule.Eval` of Prometheus' rules/alerting.go, line by line, as the slow and obvious answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Alert:
    state: str
    active_at: int
    fired_at: int | None = None
    resolved_at: int | None = None
    keep_firing_since: int | None = None


class AlertingRule:
    """`eval` takes the time and, for each label set, whether the expression returned it (None: its evaluation failed,
    which leaves it as it was) and gives ALERTS: label set → pending or firing."""

    def __init__(self, hold_duration: int, keep_firing_for: int, limit: int = 0) -> None:
        self.hold_duration, self.keep_firing_for, self.limit = hold_duration, keep_firing_for, limit
        self.active: dict[str, Alert] = {}
        self.errors = 0

    def eval(self, ts: int, result: Mapping[str, bool | None]) -> dict[str, str]:
        result_fps = {h for h, true in result.items() if true}
        # for h, a := range alerts {
        for h in result_fps:
            # if alert, ok := r.active[h]; ok && alert.State != StateInactive { …; continue }
            if h in self.active and self.active[h].state != "inactive":
                continue
            # r.active[h] = a
            self.active[h] = Alert("pending", active_at=ts)
        num_active = 0
        vec: dict[str, str] = {}
        # for fp, a := range r.active {
        for fp, a in list(self.active.items()):
            if result.get(fp, False) is None:  # ours: this label set's evaluation failed
                if a.state != "inactive":
                    num_active += 1
                    vec[fp] = a.state
                continue
            # if _, ok := resultFPs[fp]; !ok {
            if fp not in result_fps:
                keep_firing = False
                # if a.State == StateFiring && r.keepFiringFor > 0 {
                if a.state == "firing" and self.keep_firing_for > 0:
                    if a.keep_firing_since is None:
                        a.keep_firing_since = ts
                    if ts - a.keep_firing_since < self.keep_firing_for:
                        keep_firing = True
                # if a.State == StatePending || (!a.ResolvedAt.IsZero() && ts.Sub(a.ResolvedAt) > resolvedRetention) {
                if a.state == "pending":
                    del self.active[fp]
                # if a.State != StateInactive && !keepFiring {
                if a.state != "inactive" and not keep_firing:
                    a.state = "inactive"
                    a.resolved_at = ts
                if not keep_firing:
                    continue
            else:
                # a.KeepFiringSince = time.Time{}
                a.keep_firing_since = None
            num_active += 1
            # if a.State == StatePending && ts.Sub(a.ActiveAt) >= r.holdDuration {
            if a.state == "pending" and ts - a.active_at >= self.hold_duration:
                a.state = "firing"
                a.fired_at = ts
            vec[fp] = a.state
        # if limit > 0 && numActive > limit { r.active = map[uint64]*Alert{}; return nil, fmt.Errorf(…) }
        if self.limit > 0 and num_active > self.limit:
            self.active = {}
            self.errors += 1
            return {}
        return vec
