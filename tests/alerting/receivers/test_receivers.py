"""What each receiver makes of a page."""

from __future__ import annotations

import io
import json

import pytest

from onex_analytics.alerting.receivers import JsonLines, Printed, Webhook, receivers_of, webhook_payload
from onex_analytics.alerting.receivers.payload import fingerprint
from onex_analytics.alerting.receivers.targets import target_of
from onex_analytics.alerting.routing import Notification
from onex_analytics.exceptions import InvalidOption
from tests.alerting.receivers.made import a_page
from tests.alerting.receivers.server import Sink


def test_the_payload_is_alertmanagers_version_4_with_the_page_id_beside_it():
    page = a_page(90, "a", "b")
    payload = webhook_payload(page)
    alerts = payload.pop("alerts")
    assert payload == {
        "version": "4", "groupKey": '{}:{node="x"}', "truncatedAlerts": 0, "status": "firing", "receiver": "team",
        "groupLabels": {"node": "x"}, "externalURL": "",
        "commonLabels": {"alertname": "Down", "severity": "critical"}, "commonAnnotations": {},
        "pageId": page.page_id, "at": "1970-01-01T00:01:30Z", "reason": "new",
    }  # fmt: skip
    labels = {"alertname": "Down", "severity": "critical"}
    usual = {"startsAt": "1970-01-01T00:00:10Z", "generatorURL": ""}
    assert [alert.pop("fingerprint") for alert in alerts] == [
        fingerprint(tuple(sorted({**labels, "node": node}.items()))) for node in "ab"
    ]
    assert alerts == [
        {**usual, "status": "firing", "labels": {**labels, "node": "a"}, "annotations": {"summary": "it is down"},
         "endsAt": "0001-01-01T00:00:00Z"},
        {**usual, "status": "resolved", "labels": {**labels, "node": "b"}, "annotations": {},
         "endsAt": "1970-01-01T00:00:20Z"},
    ]  # fmt: skip


def test_a_fingerprint_is_fnv_of_names_and_values():
    # by hand: FNV-1a of b"a\xffb\xff"
    found = 0xCBF29CE484222325
    for byte in b"a\xffb\xff":
        found = ((found ^ byte) * 0x100000001B3) % 2**64
    assert fingerprint((("a", "b"),)) == f"{found:016x}"


def test_a_webhook_tells_the_page_id_in_its_header():
    with Sink() as sink:
        Webhook(sink.url)(a_page())
        assert sink.headers[0]["Idempotency-Key"] == a_page().page_id
        assert sink.headers[0]["Content-Type"] == "application/json"
        assert sink.taken == [webhook_payload(a_page())]


def test_a_page_is_printed_in_lines_for_people():
    stream = io.StringIO()
    Printed(stream)(a_page(90, "a", "b"))
    assert stream.getvalue() == (
        "1970-01-01 00:01:30Z FIRING → team: 2 alerts\n"
        "  firing   Down{node=a, severity=critical} value 0.25, since 1970-01-01 00:00:10Z: it is down\n"
        "  resolved Down{node=b, severity=critical} value 0.25, since 1970-01-01 00:00:10Z to 1970-01-01 00:00:20Z\n"
    )


def test_a_file_holds_each_page_once_however_often_it_is_sent_and_restarted(tmp_path):
    path = tmp_path / "below" / "pages.jsonl"
    for receiver in (JsonLines(path), JsonLines(path)):
        for second in (1, 2, 1):
            receiver(a_page(second))
    assert [json.loads(line)["at"][-3:] for line in path.read_text().splitlines()] == ["01Z", "02Z"]


def test_half_a_line_that_a_kill_left_behind_is_taken_away(tmp_path):
    path = tmp_path / "pages.jsonl"
    JsonLines(path)(a_page(1))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    JsonLines(path)(a_page(2))
    lines = path.read_text().splitlines()
    assert [json.loads(line)["pageId"] for line in lines] == [a_page(1).page_id, a_page(2).page_id]


@pytest.mark.parametrize("url", ["", "ftp://a/b", "http://", "http://a:99999/", "host:9093", "http://a:b"])
def test_an_address_that_is_none_is_refused_with_an_example(url):
    with pytest.raises(InvalidOption, match=r"http://host:9093/path"):
        Webhook(url)


@pytest.mark.parametrize("text", ["", "smtp:me", "jsonl:", "webhook", "stdout:x"])
def test_a_target_that_is_none_is_refused_with_the_list(text):
    with pytest.raises(InvalidOption, match="stdout, jsonl:PATH, webhook:URL or alertmanager:URL"):
        target_of(text)


def test_a_rule_file_gives_each_receiver_its_targets(tmp_path):
    found = receivers_of(Notification.model_validate({
        "receivers": [{"name": "team", "stdout": True, "jsonl": str(tmp_path / "p"), "webhook": "http://a/b",
                       "alertmanager": "http://c:9093"}, {"name": "none"}],
        "route": {"receiver": "team"},
    }))  # fmt: skip
    assert [type(target).__name__ for target in found["team"]] == ["Printed", "JsonLines", "Webhook", "Alertmanager"]
    assert found["none"] == []
