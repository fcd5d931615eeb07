"""One HTTP POST of JSON, with the time it may take and what its answer means."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from onex_analytics.alerting.receivers.delivery import NotTaken, Refused
from onex_analytics.exceptions import InvalidOption

_READ_AT_MOST = 1 << 16
_TRY_AGAIN = frozenset({408, 425, 429})


def checked_url(url: str) -> str:
    """The address, where it is one of http or https.

    Raises:
        InvalidOption: it is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise InvalidOption("a receiver's address", url, f"one such as http://host:9093/path ({problem})") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InvalidOption("a receiver's address", url, "one of http:// or https://, such as http://host:9093/path")
    return url


def post_json(url: str, body: Any, *, timeout_s: float, headers: Mapping[str, str] | None = None) -> None:
    """Post and wait for the answer; returns where it was a 2xx.

    Raises:
        NotTaken: no connection, no answer in time, or an answer that says so (5xx, 408, 425, 429).
        Refused: any other answer; asking again is of no use.
    """
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=timeout_s)
    data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {"Content-Type": "application/json", "User-Agent": "onex-analytics", "Connection": "close"}
        connection.request("POST", path, data, {**sent, **(headers or {})})
        answer = connection.getresponse()
        said = answer.read(_READ_AT_MOST).decode("utf-8", "replace") if answer.status >= 300 else ""
    except TimeoutError:
        raise NotTaken(f"{where} did not answer within {timeout_s:g} s") from None
    except (OSError, http.client.HTTPException) as problem:
        raise NotTaken(f"{where} cannot be reached ({str(problem) or type(problem).__name__})") from problem
    finally:
        connection.close()
    if 200 <= answer.status < 300:
        return
    told = f"{where} answered {answer.status}: {' '.join(said.split())[:200]}"
    if answer.status >= 500 or answer.status in _TRY_AGAIN:
        raise NotTaken(told)
    raise Refused(told)
