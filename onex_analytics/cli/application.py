"""The commands put together, and what becomes of errors: one clear line, never a traceback.

Exit codes: 0 it worked · 1 a finding over a budget that was given · 2 it was used or fed wrongly · 70 a fault of ours ·
130 stopped by Ctrl-C · 141 the reader of our output went away.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated

import typer
from typer.main import get_command

from onex_analytics.cli import dashboard, demo, generate, ingest, report, store
from onex_analytics.cli.alerts import app as alerts
from onex_analytics.cli.batch import app as batch
from onex_analytics.cli.errors import app as errors
from onex_analytics.cli.profile import app as profile
from onex_analytics.cli.sample import app as sample
from onex_analytics.cli.size import app as size
from onex_analytics.cli.traces import app as traces
from onex_analytics.exceptions import OnexError

PROGRAM = "onex-analytics"
DEBUG = "--debug"
_STOPPED, _UNREAD = 130, 141

app = typer.Typer(
    name=PROGRAM, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="From the event logs of an ONEX node system to answers.",
)  # fmt: skip
app.command("demo")(demo.demo)
app.command("ingest")(ingest.ingest)
app.command("generate")(generate.generate)
app.command("report")(report.report)
app.command("dashboard")(dashboard.dashboard)
app.add_typer(store.app, name="store")
app.add_typer(traces, name="traces")
app.add_typer(profile, name="profile")
app.add_typer(errors, name="errors")
app.add_typer(sample, name="sample")
app.add_typer(batch, name="batch")
app.add_typer(size, name="size")
app.add_typer(alerts, name="alerts")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"{PROGRAM} {version('onex-analytics')}")
        raise typer.Exit(0)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and stop.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error. May stand anywhere.")] = False,
) -> None:
    """From the event logs of an ONEX node system to answers."""


@cache
def _commands() -> Callable[..., object]:
    """All commands, made of the signatures of their functions: once a process, as that costs more than most answers."""
    return get_command(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = DEBUG in given
    try:
        code = _commands()(args=[word for word in given if word != DEBUG], prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
        if code == _STOPPED:  # what Typer makes of Ctrl-C
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        kept = "What was finished is kept: run the same command again to do the rest."
        print(f"\n{PROGRAM}: stopped. {kept}", file=sys.stderr)
        return _STOPPED
    except (BrokenPipeError, SystemExit):  # the latter is what Typer makes of a broken pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else the interpreter complains once more when it ends
        return _UNREAD
    except typer.TyperException as error:
        show = getattr(error, "show", None)
        if show is not None:
            show()
        else:
            print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except OnexError as error:
        if debug:
            raise
        print(f"{PROGRAM}: {_line(error)}", file=sys.stderr)
        return 2
    except Exception as error:
        if debug:
            raise
        print(
            f"{PROGRAM}: unexpected {type(error).__name__}: {_line(error)}. This is a fault of ours; "
            f"{DEBUG} shows the traceback.",
            file=sys.stderr,
        )
        return 70


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or "(no message)"
