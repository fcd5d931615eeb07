"""Who may look: every request, and every websocket, shows the token, in a cookie or in its query.

The guard stands before all other routes of the server, so that no file of it is given out without.
"""

from __future__ import annotations

import hashlib
import hmac
import html
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher
from tornado.web import RequestHandler

from onex_analytics.exceptions import InvalidOption

FEWEST_LETTERS = 16
_YEAR_DAYS = 30
_SIGN_IN = Path(__file__).parent / "assets" / "sign_in.html"
_NOT_IT = '<p role="alert"><strong>That is not the token of this dashboard.</strong></p>'


class Token:
    """The secret of one dashboard.

    Args:
        secret: what whoever looks must show, at least 16 letters.
        port: of the server; browsers give cookies of one host to all its ports, so the name says which.

    Raises:
        InvalidOption: the secret is too short to be one.
    """

    def __init__(self, secret: str, port: int) -> None:
        if len(secret) < FEWEST_LETTERS:
            raise InvalidOption("--token", f"{len(secret)} letters", f"at least {FEWEST_LETTERS}, or none: one is made")
        self._secret = secret.encode()
        self.cookie_name = f"onex_dashboard_{port}"
        self.cookie_value = hashlib.sha256(b"onex_analytics dashboard cookie\0" + self._secret).hexdigest()

    def is_shown(self, given: str | None) -> bool:
        """Whether it is this token, compared in a time that tells nothing of it."""
        return given is not None and hmac.compare_digest(given.encode(), self._secret)

    def admits(self, request: HTTPServerRequest) -> bool:
        """Whether a request shows the token in its cookie or query."""
        cookie = request.cookies.get(self.cookie_name)
        if cookie is not None and hmac.compare_digest(cookie.value.encode(), self.cookie_value.encode()):
            return True
        return self.is_shown(asked_token(request))


def asked_token(request: HTTPServerRequest) -> str | None:
    """The token in a query; None without one."""
    given = request.query_arguments.get("token")
    return given[-1].decode("utf-8", "replace") if given else None


class Outside(Matcher):
    """Matches what must not go further: who shows no token, a websocket that another site's page opens, and a page's
    address that still has the token in its query."""

    def __init__(self, token: Token, prefix: str, origins: Collection[str]) -> None:
        self.token, self.pages, self.origins = token, {prefix, f"{prefix}/"}, origins

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        if request.headers.get("Upgrade", "").lower() == "websocket" and not self._is_ours(request):
            return {}
        if self.token.admits(request):
            keeps_it = request.path in self.pages and asked_token(request) is not None
            return {} if keeps_it and request.method == "GET" else None
        return {}

    def _is_ours(self, request: HTTPServerRequest) -> bool:
        origin = urlsplit(request.headers.get("Origin", ""))
        port = {"http": 80, "https": 443}.get(origin.scheme)
        return (origin.netloc.lower() if origin.port else f"{origin.netloc.lower()}:{port}") in self.origins

    def reverse(self, *args: Any) -> str | None:
        return None


class Door(RequestHandler):
    """Lets in who shows the token, with a cookie from then on; asks everybody else for it."""

    def initialize(self, token: Token) -> None:
        self.token = token

    def get(self, *_: str) -> None:
        if self.token.is_shown(asked_token(self.request)) and "Upgrade" not in self.request.headers:
            self._let_in()
        else:
            self._refuse(wrong=asked_token(self.request) is not None)

    def post(self, *_: str) -> None:
        if self.token.is_shown(self.get_body_argument("token", None)):
            self._let_in()
        else:
            self._refuse(wrong=True)

    head = put = delete = patch = options = get

    def check_xsrf_cookie(self) -> None:
        """Nobody is signed in who could be made to post; what is posted is the secret itself."""

    def _let_in(self) -> None:
        self.set_cookie(self.token.cookie_name, self.token.cookie_value, path="/", httponly=True, samesite="Lax",
                        expires_days=_YEAR_DAYS, secure=self.request.protocol == "https")  # fmt: skip
        rest = [(name, value) for name, value in parse_qsl(self.request.query, True) if name != "token"]
        self.set_header("Cache-Control", "no-store")
        self.set_status(303)
        self.set_header("Location", "?" + urlencode(rest) if rest else "?page=overview")

    def _refuse(self, *, wrong: bool) -> None:
        self.set_status(403)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                                                   "form-action 'self'; frame-ancestors 'self'")  # fmt: skip
        self.finish(_SIGN_IN.read_text(encoding="utf-8").replace("%s", _NOT_IT if wrong else ""))


def with_token(address: str, secret: str) -> str:
    """An address for people to open.

    >>> with_token("http://localhost:5006/", "abc")
    'http://localhost:5006/?token=abc'
    """
    return f"{address}?{urlencode({'token': secret})}"


def escaped(text: object) -> str:
    """Text of a user as HTML."""
    return html.escape(str(text))
