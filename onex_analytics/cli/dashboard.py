"""`onex-analytics dashboard`: the pages of a store in a browser, on this machine."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from onex_analytics.cli.alerts.rule_files import PRESETS, rules_of
from onex_analytics.cli.inputs import open_store
from onex_analytics.cli.output import StoreOption, say
from onex_analytics.cli.progress import busy
from onex_analytics.exceptions import InvalidOption, MissingExtra, SourceError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FIRST_PORT = 5006


def dashboard(
    store: StoreOption,
    address: Annotated[
        str, typer.Option(help="Where to listen; the default is heard by this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for any that is free.")] = _FIRST_PORT,
    prefix: Annotated[
        str, typer.Option(help="What paths begin with, where a proxy hands them on whole, such as "
                               "/user/ann/proxy/absolute/5006. A proxy that takes its own part away needs none."),
    ] = "",
    origin: Annotated[
        list[str] | None,
        typer.Option("--allow-origin", help="The host of that proxy as browsers name it, such as hub.example.org; "
                                            "may be given again."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="ONEX_ANALYTICS_DASHBOARD_TOKEN", help="What whoever looks must show, 16 letters or more; "
                                                                   "one is made and printed where not given."),
    ] = None,
    rules: Annotated[
        str, typer.Option(help='Alert rules to try on the log: a rule file, "presets", or "none".')
    ] = PRESETS,
    refresh: Annotated[
        float, typer.Option(min=0.2, help="How often to look whether the store has grown, in seconds.")
    ] = 10.0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")] = True,
) -> int:  # fmt: skip
    """Serve the store's pages until Ctrl-C. Nothing is fetched from any other host."""
    if find_spec("panel") is None:
        raise MissingExtra("dashboard", "the dashboard")
    from onex_analytics.dashboard.guard import FEWEST_LETTERS, with_token
    from onex_analytics.dashboard.library import Library

    if token is not None and len(token) < FEWEST_LETTERS:
        raise InvalidOption("--token", f"{len(token)} letters", f"at least {FEWEST_LETTERS}, or none: one is made")
    held = open_store(store)
    held.version()  # says what is missing before a port is taken
    alert_rules = None if rules == "none" else rules_of(rules, dict(held.dimensions))
    name = "The default rules that come along" if rules == PRESETS else f"The rules of {rules}"
    library = Library(held, alert_rules, name)
    with busy("reading the store"):
        library.take_up()
        from onex_analytics.dashboard.server import serve
    try:
        server, secret = serve(
            library, secret=token, address=address, port=port, prefix=prefix, origins=origin or (),
            watch_seconds=refresh,
        )  # fmt: skip
    except OSError as problem:
        mend = "name another one with --port (0 for any that is free), or end what listens there"
        raise SourceError(f"{address}:{port}", f"cannot be listened at ({problem.strerror or problem})", mend) from None
    host = address if address in _LOOPBACK else "127.0.0.1" if address in ("0.0.0.0", "::") else address
    place = f"http://{f'[{host}]' if ':' in host else host}:{server.port}{server.prefix}/"
    if address not in _LOOPBACK:
        say(f"It listens at {address}: whoever reaches this machine and has the token can read the log, unencrypted.")
    print(with_token(place, secret), flush=True)
    say("Ctrl-C ends it.")
    library.warm()
    if browser:
        import webbrowser

        server.io_loop.add_callback(webbrowser.open, with_token(place, secret))
    server.start()
    try:
        server.io_loop.start()
    finally:
        library.answers.close()
    return 0
