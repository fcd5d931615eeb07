"""Who may look: nothing is given out without the token, and no other site opens the websocket."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest

from onex_analytics.dashboard.guard import Token
from onex_analytics.exceptions import InvalidOption
from tests.dashboard.serving import TOKEN
from tests.dashboard.watching import PICTURES, query, shown


def status(url: str, **headers: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode("utf-8", "replace")


@pytest.mark.parametrize(
    "path",
    ["", "?page=traces", "?token=", "?token=wrong", f"?token={TOKEN}x", "static/js/bokeh.min.js", "ws", "metadata",
     "static/extensions/panel/panel.min.js", "assets/0/page.css", "autoload.js", "nowhere", "favicon.ico"],
)  # fmt: skip
def test_without_the_token_nothing_is_given_out(path, dashboard):
    code, text = status(dashboard.url + path)
    assert code == 403
    assert "asks for its token" in text
    assert "events" not in text


def test_a_file_with_the_token_in_its_query_is_given_out(dashboard):
    assert status(f"{dashboard.url}assets/0/page.css?token={TOKEN}")[0] == 200


def handshake(port: int, origin: str, cookie: str) -> int:
    """The status with which the server answers a browser that opens its websocket."""
    request = (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: {origin}\r\n"
        f"Sec-WebSocket-Protocol: bokeh, nobody\r\nCookie: {cookie}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(request.encode())
        return int(line.recv(64).split()[1])


def test_a_websocket_opens_for_our_own_pages_with_the_token_only(dashboard):
    token = Token(TOKEN, dashboard.port)
    cookie, ours = f"{token.cookie_name}={token.cookie_value}", f"http://127.0.0.1:{dashboard.port}"
    assert handshake(dashboard.port, ours, cookie) not in (200, 403)
    assert handshake(dashboard.port, ours, "") == 403
    assert handshake(dashboard.port, ours, f"{token.cookie_name}=wrong") == 403
    for foreign in ("http://evil.example", f"http://evil.example:{dashboard.port}", "null", ""):
        assert handshake(dashboard.port, foreign, cookie) == 403


def test_who_comes_without_the_token_may_enter_it(dashboard, chromium):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{dashboard.url}?page=traces")
    page.get_by_label("Token").fill("not this one, surely")
    page.get_by_role("button", name="Sign in").click()
    assert "not the token" in page.get_by_role("alert").inner_text()
    page.screenshot(path=PICTURES / "dashboard-sign-in.png")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    shown(page)
    assert query(page) == {"page": ["traces"]}
    context.close()


def test_the_log_of_the_server_names_no_fault(dashboard):
    """After all that was done to it. What Bokeh says of a websocket that is no browser's is none of ours."""
    told = dashboard.log.read_text()
    assert "onex_analytics" not in told, told[-3000:]
    assert TOKEN not in told


@pytest.mark.parametrize("given", [None, "", TOKEN[:-1], TOKEN.upper(), TOKEN + "ä"])
def test_only_the_very_token_is_the_token(given):
    assert Token(TOKEN, 1).is_shown(TOKEN)
    assert not Token(TOKEN, 1).is_shown(given)


def test_a_cookie_tells_nothing_of_the_token_and_is_of_one_port():
    first, second = Token(TOKEN, 1), Token(TOKEN, 2)
    assert TOKEN not in first.cookie_value
    assert first.cookie_name != second.cookie_name
    with pytest.raises(InvalidOption, match="at least 16"):
        Token("short", 1)
