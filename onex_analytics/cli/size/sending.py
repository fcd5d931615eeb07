"""What a policy would have sent: simulate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.size.options import Files, Since, Until, bytes_of, events_of
from onex_analytics.cli.span_inputs import By, Nodes, listed
from onex_analytics.exceptions import InvalidOption, SourceError

if TYPE_CHECKING:
    from pydantic import ValidationError

NEVER = "never"


def simulate(
    files: Files = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    preset: Annotated[str | None, typer.Option(help="Begin with the limits of cloudevents or kafka.")] = None,
    max_bytes: Annotated[str | None, typer.Option(help="More is not sent, such as 1MiB.")] = None,
    warn_bytes: Annotated[str | None, typer.Option(help="More is marked, such as 64KiB; never is a word, too.")] = None,
    compress_over: Annotated[
        str | None, typer.Option(help="Events with more bytes are compressed, 10KiB where not given; never: none is.")
    ] = None,
    codec: Annotated[str | None, typer.Option(help="zstd or gzip.")] = None,
    level: Annotated[int | None, typer.Option(help="1 to 22 of zstd (3), 1 to 9 of gzip (6).")] = None,
    dictionary: Annotated[Path | None, typer.Option(help="A file that `size train` wrote.")] = None,
    on_oversize: Annotated[str | None, typer.Option(help="reject, truncate_field or claim_check.")] = None,
    by: By = None,
    max_refused: Annotated[int | None, typer.Option(min=0, help="Exit with 1 where more are refused.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """What a policy of size would have sent of a log. Exactly what `sizing.encode` does, event for event."""
    output = Output(as_json, as_csv, out)
    from pydantic import ValidationError

    from onex_analytics.sizing import PRESETS, SizePolicy, encoding_outcomes, simulate_encoding

    if preset is not None and preset not in PRESETS:
        raise InvalidOption("--preset", preset, " or ".join(PRESETS))
    told: dict[str, Any] = {} if preset is None else PRESETS[preset].model_dump(exclude_unset=True)
    if max_bytes is not None:
        told["max_bytes"] = bytes_of("--max-bytes", max_bytes)
    for name, text in (("warn_bytes", warn_bytes), ("compress_over", compress_over)):
        if text is not None:
            told[name] = None if text == NEVER else bytes_of(f"--{name.replace('_', '-')}", text)
    if dictionary is not None:
        told["dictionary"] = _read(dictionary)
    told |= {name: value for name, value in (("codec", codec), ("level", level), ("on_oversize", on_oversize))
             if value is not None}  # fmt: skip
    try:
        policy = SizePolicy(**told)
    except ValidationError as problem:
        raise _told(problem, told, dictionary) from problem
    keys = listed(by, ())
    with events_of(files, store, since, until, node) as events, busy("encoding"):
        table = encoding_outcomes(simulate_encoding(policy, events), keys).collect()
    output.frame(table)
    refused = int(table.filter(table["action"] == "reject")["events"].sum())
    if max_refused is not None and refused > max_refused:
        say(f"{refused:,} events would be refused; the budget is {max_refused:,}.")
        return 1
    return 0


def _told(problem: ValidationError, given: dict[str, Any], dictionary: Path | None) -> InvalidOption:
    """What is wrong with a policy, by the option that says it."""
    first = problem.errors()[0]
    wanted = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not first["loc"]:
        shown = {name: value for name, value in given.items() if name != "dictionary"}
        return InvalidOption("the policy", shown, f"another: {wanted}")
    name = str(first["loc"][0])
    if name == "dictionary":
        wanted = "a file that `onex-analytics size train` wrote (this is no Zstandard dictionary)"
        return InvalidOption("--dictionary", str(dictionary), wanted)
    return InvalidOption(f"--{name.replace('_', '-')}", first["input"], wanted)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise SourceError(str(path), problem, "name a file that `onex-analytics size train` wrote") from error
