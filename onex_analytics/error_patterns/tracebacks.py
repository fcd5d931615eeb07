"""Python tracebacks taken apart: exception types, frames, and the chain of causes."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names

FRAME = pl.Struct({
    "module": pl.String(),       # dotted, without the machine's folders
    "function": pl.String(),     # null at the top of a `SyntaxError`
    "file": pl.String(),         # as written
    "line": pl.Int64(),
    "is_own": pl.Boolean(),      # not of the standard library, not of an installed package
})  # fmt: skip
CAUSE = pl.Struct({
    "exception_type": pl.String(),
    "exception_message": pl.String(),
    "relation": pl.String(),     # cause (`raise … from`), context (raised while it was handled), member (of a group)
    "frames": pl.List(FRAME),
})  # fmt: skip
TRACEBACK = pl.Schema({
    "exception_type": pl.String(),      # of the exception that came out last; dotted as written
    "exception_message": pl.String(),
    "frames": pl.List(FRAME),           # outermost call first, as Python prints them
    "causes": pl.List(CAUSE),           # of that exception, nearest first
    "traceback_is_cut": pl.Boolean(),   # its beginning or its end is missing; null where there is no traceback
})
"""What `parse_tracebacks` adds to each row."""

_HEADER = r"Traceback \(most recent call last\):"
_MARGIN = r"(?m)^ *[|+] ?"
_RELATIONS = {
    "cause": r"The above exception was the direct cause of the following exception:",
    "context": r"During handling of the above exception, another exception occurred:",
    "member": r"[+-]*-{8,}(?: \d+ -+)?",
}
_FRAME = r'(?m)^\s*File "[^"\n]*", line \d+(?:, in [^\n]*)?$'
_PARTS_OF_FRAME = r'File "(?<file>[^"\n]*)", line (?<line>\d+)(?:, in (?<function>[^\n]*))?'
_RAISED = r"(?m)^(?<type>[\pL_][\pL\pN_.]*)(?::\s?(?<message>(?s:.*)))?$"
_INSTALLED = r"(?:^|[/\\])(?:site-packages|dist-packages|lib[/\\]python\d[^/\\]*|Python\d+[/\\]Lib)[/\\]|^<frozen "
_ROOTS = r"^.*[/\\](?:site-packages|dist-packages|src|lib[/\\]python\d[^/\\]*|Python\d+[/\\]Lib)[/\\]"
_LAST_TWO = r"([^/\\]+[/\\][^/\\]+)$"
_LISTS = ("frames", "causes")


def parse_tracebacks(errors: pl.LazyFrame | pl.DataFrame, *, own: str | Iterable[str] = ()) -> pl.LazyFrame:
    """The rows as they are, each with what its traceback says.

    Args:
        errors: any rows. A traceback is looked for in `stack_trace`, then in the `metadata` (JSON) under that name,
            then in `error_message`; each of these columns may be absent.
        own: modules that are yours although they are installed, such as "omnibase": those and what is below them.

    Returns:
        All rows in their order with the columns of `TRACEBACK`: null, and empty lists, where there is no traceback.
        A traceback that was cut still gives the frames that are left; one without its last line has no type.

    >>> text = '''Traceback (most recent call last):
    ...   File "/app/src/tools/stamper.py", line 40, in stamp
    ...     read(path)
    ... FileNotFoundError: no such file: a.yaml'''
    >>> found = parse_tracebacks(pl.DataFrame({"stack_trace": [text]})).collect().row(0, named=True)
    >>> found["exception_type"], found["frames"][0]["module"], found["frames"][0]["function"]
    ('FileNotFoundError', 'tools.stamper', 'stamp')
    """
    mine = names(own)
    if bad := [module for module in mine if not module.replace(".", "").replace("_", "").isalnum()]:
        raise InvalidOption("own", bad[0], 'modules, such as "omnibase" or "omnibase.tools"')
    rows = errors.lazy()
    found = rows.collect_schema().names()
    kept = [name for name in found if name not in TRACEBACK]
    with_text = rows.select(*kept, _text(found).alias("_text"))
    told = _taken_apart(with_text.select("_text").drop_nulls().unique(), mine)
    joined = with_text.join(told, on="_text", how="left", maintain_order="left")
    return joined.select(*kept, *(pl.col(name).fill_null([]) if name in _LISTS else pl.col(name) for name in TRACEBACK))


def _text(found: list[str]) -> pl.Expr:
    """The traceback of each row, or null."""
    places = []
    if "stack_trace" in found:
        places.append(pl.col("stack_trace").cast(pl.String))
    if "metadata" in found:
        places.append(pl.col("metadata").cast(pl.String).str.json_path_match("$.stack_trace"))
    if "error_message" in found:
        message = pl.col("error_message").cast(pl.String)
        places.append(pl.when(message.str.contains(_HEADER)).then(message))
    is_one = [pl.when(text.str.contains(_FRAME) | text.str.contains(_HEADER)).then(text) for text in places]
    return pl.coalesce(*is_one) if is_one else pl.lit(None, pl.String)


def _taken_apart(texts: pl.LazyFrame, own: list[str]) -> pl.LazyFrame:
    """`_text` and the columns of `TRACEBACK`; `texts` are distinct."""
    text = pl.col("_text").str.replace_all("\r\n", "\n")
    without_margin = pl.when(text.str.contains("Exception Group Traceback")).then(text.str.replace_all(_MARGIN, ""))
    text = pl.coalesce(without_margin, text)
    for word, line in _RELATIONS.items():
        text = text.str.replace_all(rf"(?m)^\s*{line}\s*$", f"\x1e{word}\x1f")
    sections = (
        texts.select("_text", text.str.split("\x1e").alias("section"))
        .with_columns(pl.int_ranges(pl.col("section").list.len()).alias("place"))
        .explode("section", "place")
        .sort("_text", "place")
    )
    joint, after = pl.col("section").str.extract(r"^(\w+)\x1f"), pl.col("section").str.split(r"\x1f").list.last()
    body = after.str.replace(rf"(?s)^.*{_HEADER}", "")
    raised = body.str.extract_groups(_RAISED)
    joint_after = joint.shift(-1).over("_text")
    relation = pl.when(joint == "member").then(joint).when(joint_after != "member").then(joint_after)
    read = sections.select(
        "_text",
        "place",
        relation.alias("relation"),
        raised.struct.field("type").alias("exception_type"),
        raised.struct.field("message").str.strip_chars_end().alias("exception_message"),
        after.str.contains(_HEADER).alias("has_header"),
        body.str.extract_all(_FRAME).list.eval(_frame(pl.element(), own)).alias("frames"),
    ).filter(pl.col("exception_type").is_not_null() | (pl.col("frames").list.len() > 0) | pl.col("has_header"))
    is_member = pl.col("relation").eq_missing("member")
    last = pl.col("place").filter(~is_member).max()
    own_columns = [pl.col(name).filter(pl.col("place") == last).first() for name in list(TRACEBACK)[:3]]
    causes = pl.struct(*CAUSE.to_schema()).filter(pl.col("place") != last).reverse()
    whole = pl.col("exception_type").is_not_null() & (pl.col("has_header") | is_member)
    return read.group_by("_text", maintain_order=True).agg(
        *own_columns, causes.alias("causes"), (~whole).any().alias("traceback_is_cut")
    )


def _frame(text: pl.Expr, own: list[str]) -> pl.Expr:
    """A struct of `FRAME` from the line of a traceback that names it."""
    parts = text.str.extract_groups(_PARTS_OF_FRAME)
    file = parts.struct.field("file")
    path = pl.coalesce(
        file.str.extract(r"^<frozen ([^>]*)>$"),
        pl.when(file.str.contains(_ROOTS)).then(file.str.replace(_ROOTS, "")),
        file.str.extract(_LAST_TWO),
        file,
    )
    module = path.str.replace(r"\.pyc?$", "").str.replace_all(r"[/\\]", ".").str.replace(r"\.__init__$", "")
    is_own = ~file.str.contains(_INSTALLED)
    for name in own:
        is_own = is_own | (module == name) | module.str.starts_with(f"{name}.")
    return pl.struct(
        module.alias("module"),
        parts.struct.field("function").alias("function"),
        file.alias("file"),
        parts.struct.field("line").cast(pl.Int64).alias("line"),
        is_own.alias("is_own"),
    )
