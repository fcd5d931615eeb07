"""Incidents, from wherever people keep them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from onex_analytics import generate
from onex_analytics.alerting.incidents import INCIDENTS, load_incidents
from onex_analytics.exceptions import InputError, InvalidOption, SourceError

TEN, ELEVEN = datetime(2026, 11, 1, 10, tzinfo=UTC), datetime(2026, 11, 1, 11, tzinfo=UTC)
A = {"name": "node", "value": "a"}


def only(frame: pl.DataFrame) -> dict[str, object]:
    assert frame.schema == INCIDENTS
    (row,) = frame.to_dicts()
    return row


def test_further_columns_of_text_are_labels():
    found = only(load_incidents([{"id": "x", "start": TEN, "end": ELEVEN, "node": "a", "magnitude": 3.0}]))
    assert found == {"id": "x", "kind": "incident", "start": TEN, "end": ELEVEN, "labels": [A]}


@pytest.mark.parametrize("labels", [{"node": "a"}, [A], "node=a", "node:a", [{"label": "node:a"}]])
def test_labels_may_be_written_in_any_usual_way(labels):
    assert only(load_incidents([{"id": "x", "start": TEN, "labels": labels}]))["labels"] == [A]


@pytest.mark.parametrize(
    "start", ["2026-11-01T10:00:00Z", "2026-11-01T11:00:00+01:00", "2026-11-01 10:00", 1793527200, 1793527200000,
              "1793527200", datetime(2026, 11, 1, 10)],
)  # fmt: skip
def test_a_time_is_read_in_any_usual_form_and_without_a_zone_it_is_utc(start):
    assert only(load_incidents([{"id": "x", "start": start}]))["start"] == TEN


def test_a_csv_file_is_read_by_its_columns(tmp_path: Path):
    (tmp_path / "i.csv").write_text("id,start,end,node,title\nx,2026-11-01T10:00Z,2026-11-01T11:00Z,a,a bad hour\n")
    assert only(load_incidents(tmp_path / "i.csv")) == {
        "id": "x", "kind": "incident", "start": TEN, "end": ELEVEN, "labels": [A],
    }  # fmt: skip


def test_an_export_of_pagerduty_is_read(tmp_path: Path):
    incident = {
        "id": "PT4KHLK", "type": "incident", "incident_number": 1234, "title": "The server is on fire.",
        "created_at": "2026-11-01T10:00:00Z", "status": "resolved", "last_status_change_at": "2026-11-01T11:00:00Z",
        "service": {"id": "PIJ90N7", "type": "service_reference", "summary": "a"}, "urgency": "high",
    }  # fmt: skip
    (tmp_path / "p.json").write_text(json.dumps({"incidents": [incident], "limit": 25, "more": False}))
    found = only(load_incidents(tmp_path / "p.json", rename={"service": "node"}))
    assert (found["id"], found["start"], found["end"]) == ("PT4KHLK", TEN, ELEVEN)
    assert found["labels"] == [A, {"name": "urgency", "value": "high"}]


def test_a_csv_export_of_pagerduty_is_read(tmp_path: Path):
    (tmp_path / "p.csv").write_text(
        "id,incident_number,description,service_id,service_name,created_on,resolved_on\n"
        "PT4KHLK,1,fire,PIJ90N7,a,2026-11-01T10:00:00+00:00,2026-11-01T11:00:00+00:00\n"
    )
    found = only(load_incidents(tmp_path / "p.csv"))
    assert (found["end"], found["labels"]) == (ELEVEN, [{"name": "service", "value": "a"}])


def test_annotations_of_grafana_are_read(tmp_path: Path):
    annotation = {
        "id": 1124, "alertId": 0, "dashboardUID": "jcIIG-07z", "time": 1793527200000, "timeEnd": 1793530800000,
        "text": "outage", "tags": ["outage", "node:a"], "newState": "", "prevState": "", "data": {},
    }  # fmt: skip
    (tmp_path / "g.json").write_text(json.dumps([annotation]))
    assert only(load_incidents(tmp_path / "g.json")) == {
        "id": "1124", "kind": "incident", "start": TEN, "end": ELEVEN, "labels": [A],
    }  # fmt: skip


def test_incidents_of_grafana_are_read(tmp_path: Path):
    incident = {
        "incidentID": "7", "severity": "critical", "labels": [{"label": "node:a"}], "title": "outage",
        "incidentStart": "2026-11-01T10:00:00Z", "incidentEnd": "", "status": "active",
    }  # fmt: skip
    (tmp_path / "g.json").write_text(json.dumps({"incidents": [{"incident": incident}]}))
    found = only(load_incidents(tmp_path / "g.json"))
    assert (found["id"], found["start"], found["end"]) == ("7", TEN, None)
    assert found["labels"] == [A, {"name": "severity", "value": "critical"}]


def test_the_labels_of_the_synthetic_fleet_are_accepted_as_they_are():
    log = generate(5_000)
    found = load_incidents(log.labels)
    assert found["id"].to_list() == log.labels.sort("start", "incident_id")["incident_id"].to_list()
    names = set(found["labels"].explode(empty_as_null=False).struct.field("name"))
    assert names == {"node", "operation"}
    assert {"deploy", "coverage_hole", "error_burst"} <= set(found["kind"])


def test_every_form_that_generate_writes_its_labels_in_is_read(tmp_path: Path):
    labels = generate(5_000).labels
    labels.write_parquet(tmp_path / "l.parquet")
    labels.write_csv(tmp_path / "l.csv")
    (tmp_path / "l.json").write_text(json.dumps(labels.to_dicts(), default=str))
    for name in ("l.parquet", "l.csv", "l.json"):
        assert load_incidents(tmp_path / name).equals(load_incidents(labels)), name


def test_what_was_read_once_is_read_again_as_it_is():
    found = load_incidents([{"id": "x", "start": TEN, "end": ELEVEN, "node": "a"}])
    assert load_incidents(found).equals(found)


def test_no_incidents_are_an_empty_frame_of_the_shape():
    assert load_incidents([]).schema == INCIDENTS


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "x"}, "incident 1: no start. Mend"),
        ({"id": "x", "start": "yesterday"}, "'yesterday' is no time. Mend"),
        ({"id": "x", "start": ELEVEN, "end": TEN}, "before it starts. Mend"),
    ],
)
def test_an_incident_that_cannot_be_is_named_with_the_mend(row, said):
    with pytest.raises(InputError, match=said):
        load_incidents([row])


def test_an_id_that_stands_twice_is_refused():
    with pytest.raises(InputError, match="'x' stands twice"):
        load_incidents([{"id": "x", "start": TEN}, {"id": "x", "start": ELEVEN}])


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path: Path):
    with pytest.raises(SourceError, match="Mend"):
        load_incidents(tmp_path / "none.csv")
    (tmp_path / "i.xlsx").write_text("")
    with pytest.raises(InvalidOption, match=r"\.csv, \.json, \.jsonl or \.parquet"):
        load_incidents(tmp_path / "i.xlsx")
    (tmp_path / "i.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match="no list of incidents"):
        load_incidents(tmp_path / "i.json")
    (tmp_path / "j.json").write_text("[")
    with pytest.raises(InputError, match="no JSON"):
        load_incidents(tmp_path / "j.json")
