"""`%onex` and `%%onex_rule`: what may be typed in a cell."""

from __future__ import annotations

import argparse
import difflib
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from onex_analytics.exceptions import NotAStore, OnexError
from onex_analytics.jupyter.rule_cells import CellMistake, rules_of

if TYPE_CHECKING:
    from onex_analytics.alerting import Backtest
    from onex_analytics.store import EventStore

WORDS = ("help", "report", "store")
RULE_OPTIONS = ("--incidents", "--since", "--store", "--until")
_CLI = "import sys; from onex_analytics.cli import main; sys.exit(main())"


class OnexMagics:
    """The magics of one shell.

    Args:
        shell: IPython's.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def register(self) -> None:
        """Have the shell know them, and complete their words by tab."""
        self._shell.register_magic_function(self.onex, "line", "onex")
        self._shell.register_magic_function(self.onex_rule, "cell", "onex_rule")
        self._shell.set_hook("complete_command", complete_onex, str_key="%onex")
        self._shell.set_hook("complete_command", complete_onex_rule, str_key="%%onex_rule")

    # ------------------------------------------------------------------ %onex

    def onex(self, line: str) -> Any:
        """Open a store, write a report of it, or say what there is.

        %onex store PATH [as NAME]   open the store at PATH (a folder, or s3://…) as the variable `store`, or NAME
        %onex report [OPTIONS]       write report.html of the variable `store`; options as `onex-analytics report`
        %onex help                   what there is
        """
        word, *rest = _split(line) or ["help"]
        match word:
            case "help":
                return _Text(HELP)
            case "store":
                return self._open(rest)
            case "report":
                return self._report(rest)
        near = difflib.get_close_matches(word, WORDS, 1)
        raise CellMistake(f"%onex {word}: no such word. Mend: write {near[0] if near else ' or '.join(WORDS)}.")

    def _open(self, rest: Sequence[str]) -> EventStore:
        from onex_analytics.store import EventStore

        path, name = _path_and_name(rest)
        try:
            opened = EventStore(path)
            opened.version()
        except NotAStore as problem:
            if Path(path).is_file():
                raise CellMistake(str(problem)) from None
            raise CellMistake(
                f"{path} holds no event store. Mend: name the folder of one, or make it with "
                f"`{name} = ox.EventStore({path!r})` and `{name}.append(…)`."
            ) from None
        except OnexError as problem:
            raise CellMistake(str(problem)) from None
        self._shell.user_ns[name] = opened
        return opened

    def _report(self, rest: Sequence[str]) -> _Text:
        held = self._store("store")
        done = subprocess.run(
            [sys.executable, "-c", _CLI, "report", "--store", held.uri, *rest], capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode > 1:  # 1: a finding over its budget
            raise CellMistake((done.stderr or done.stdout).strip())
        return _Text(done.stdout.rstrip())

    # ------------------------------------------------------------------ %%onex_rule

    def onex_rule(self, line: str, cell: str) -> Backtest:
        """Write a rule in YAML below this line, and see what it would have done.

        %%onex_rule [NAME] [--store NAME] [--since TIME] [--until TIME] [--incidents NAME]

        NAME: the variable that holds the backtest afterwards; default `result`. Its rules are `result.rules`.
        --store: the variable with the store, or with a frame of events, or the path of a store; default `store`.
        --since, --until: only the events of [since, until), such as 2026-11-01.
        --incidents: the variable with what went wrong, or the path of a file with it, to score against.

        The cell holds one rule, a list of rules, or a whole rule file:

        alert: ManyFailures
        by: [node]
        when: {count: {of: outcome == 'failure', window: 5m}, threshold: 10}
        for: 2m
        """
        from onex_analytics.alerting import backtest
        from onex_analytics.store import EventStore

        asked = _rule_options().parse_args(_split(line))
        if not asked.name.isidentifier():
            raise CellMistake(f"{asked.name!r} is no name of a variable. Mend: write one, such as `result`.")
        log = self._log(asked.store)
        rules = rules_of(cell, log.dimensions if isinstance(log, EventStore) else None)
        try:
            events = log.scan(asked.since, asked.until) if isinstance(log, EventStore) else _between(log, asked)
            told = self._shell.user_ns.get(asked.incidents, asked.incidents)
            result = backtest(rules, events, told)
        except OnexError as problem:
            raise CellMistake(str(problem)) from None
        self._shell.user_ns[asked.name] = result
        return result

    def _store(self, name: str) -> EventStore:
        from onex_analytics.store import EventStore

        held = self._shell.user_ns.get(name)
        if not isinstance(held, EventStore):
            raise CellMistake(f"there is no store in the variable `{name}`. Mend: `%onex store PATH`.")
        return held

    def _log(self, name: str) -> Any:
        """The store or the frame of events that a name or a path says."""
        import polars as pl

        from onex_analytics.store import EventStore

        held = self._shell.user_ns.get(name)
        if isinstance(held, EventStore | pl.LazyFrame | pl.DataFrame):
            return held
        if held is None and (Path(name).exists() or "://" in name):
            try:
                return EventStore(name)
            except OnexError as problem:
                raise CellMistake(str(problem)) from None
        found = "it is not there" if held is None else f"it holds a {type(held).__name__}"
        raise CellMistake(
            f"no store and no frame of events in the variable `{name}`: {found}. "
            "Mend: `%onex store PATH`, or `%%onex_rule --store NAME`."
        )


class _Text(str):
    """A text that is shown as it is, not as a Python string."""

    def __repr__(self) -> str:
        return str(self)


class _Options(argparse.ArgumentParser):
    """Mistakes are told like those of a rule; nothing ends the kernel."""

    def error(self, message: str) -> NoReturn:
        raise CellMistake(f"%%onex_rule: {message}. Mend: see `%%onex_rule?`.")


def _rule_options() -> argparse.ArgumentParser:
    options = _Options(add_help=False, allow_abbrev=False)
    options.add_argument("name", nargs="?", default="result")
    options.add_argument("--store", default="store")
    for name in ("--since", "--until", "--incidents"):
        options.add_argument(name)
    return options


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as problem:
        raise CellMistake(f"the line cannot be read ({problem}). Mend: close what a quote opens.") from None


def _path_and_name(rest: Sequence[str]) -> tuple[str, str]:
    """`PATH` and the name of a variable.

    >>> _path_and_name(["events"]), _path_and_name(["events", "as", "mine"])
    (('events', 'store'), ('events', 'mine'))
    """
    match rest:
        case [path]:
            return path, "store"
        case [path, "as", name] if name.isidentifier():
            return path, name
    raise CellMistake("%onex store takes a path and perhaps a name. Mend: `%onex store PATH`, or `… PATH as NAME`.")


def _between(log: Any, asked: argparse.Namespace) -> Any:
    """The events of [since, until) of a frame."""
    import polars as pl

    from onex_analytics.store.selection import time_of

    events = log.lazy()
    for name, holds in (("since", pl.Expr.ge), ("until", pl.Expr.lt)):
        if (moment := time_of(f"--{name}", getattr(asked, name))) is not None:
            events = events.filter(holds(pl.col("timestamp"), moment))
    return events


# ---------------------------------------------------------------------- by tab


def complete_onex(_: Any, event: Any) -> list[str]:
    """What may stand where the cursor is, after `%onex`."""
    before = event.line.split()[1:]
    if event.line.endswith(event.symbol) and event.symbol:
        before = before[:-1]
    match before:
        case []:
            return [*WORDS]
        case ["store"]:
            return _folders(event.symbol)
        case ["store", _]:
            return ["as"]
    return []


def complete_onex_rule(_: Any, event: Any) -> list[str]:
    """The options of `%%onex_rule` that are not there yet."""
    return [option for option in RULE_OPTIONS if option not in event.line.split()]


def _folders(begun: str) -> list[str]:
    """The folders that a path which is begun may mean."""
    folder = begun.rpartition("/")[0]
    prefix = f"{folder}/" if "/" in begun else ""
    looked_in = Path(folder or ("/" if prefix else "."))
    try:
        return sorted(f"{prefix}{one.name}" for one in looked_in.iterdir() if one.is_dir())
    except OSError:
        return []


HELP = """%onex store PATH [as NAME]   open a store (a folder, or s3://…) as the variable `store`, or NAME, and show it
%onex report [OPTIONS]       write report.html of the variable `store`; options as `onex-analytics report`
%%onex_rule [NAME]           write a rule in YAML below, see its backtest; it is kept as `result`, or NAME
events.onex.<tab>            every question that a frame of events, spans or errors can be asked
%onex?  %%onex_rule?         more of each"""
