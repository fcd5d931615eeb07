"""A filter as a Polars expression. Every part of it is true or false, never null: null compares as false."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from onex_analytics.alerting.filters.globs import glob_pattern
from onex_analytics.alerting.filters.kinds import (
    NAMES,
    Kind,
    kind_of_column,
    kind_of_constant,
    shown,
    time_of,
)  # fmt: skip
from onex_analytics.alerting.filters.syntax import (
    AllOf,
    AnyOf,
    Atom,
    Between,
    Column,
    Compared,
    Constant,
    Holds,
    IsNull,
    JsonPath,
    Node,
    Not,
    OneOf,
    Source,
    Tested,
)  # fmt: skip
from onex_analytics.exceptions import FilterError
from onex_analytics.model.rules import NUMBER_PATTERN
from onex_analytics.model.shapes import UTC_MICROSECONDS

Schema = Mapping[str, pl.DataType]
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def expression_of(node: Node, text: str, schema: Schema) -> pl.Expr:
    """The filter over frames of this schema.

    Raises:
        FilterError: on a column that is not there, or one of another kind than the filter takes it for.
    """
    return _Compiler(text, schema).condition(node)


class _Compiler:
    def __init__(self, text: str, schema: Schema) -> None:
        self._text, self._schema = text, schema

    def condition(self, node: Node) -> pl.Expr:
        match node:
            case Not(term):
                return self.condition(term).not_()
            case AllOf(terms):
                return pl.all_horizontal([self.condition(term) for term in terms])
            case AnyOf(terms):
                return pl.any_horizontal([self.condition(term) for term in terms])
        return self._atom(node)

    def _atom(self, atom: Atom) -> pl.Expr:
        match atom:
            case IsNull(operand, negated):
                value = self._any_value(operand)
                return value.is_not_null() if negated else value.is_null()
            case Holds(operand):
                return self._bool(operand).fill_null(False)
            case Compared(left, op, Constant() as constant):
                return self._beside_constant(left, op, constant).fill_null(False)
            case Compared(Column() as left, op, Column() as right):
                return self._beside_column(left, op, right).fill_null(False)
            case Compared(Column() as left, op, JsonPath() as path):
                return self._beside_path(left, op, path).fill_null(False)
            case OneOf(operand, values, negated):
                return self._one_of(operand, values, negated).fill_null(False)
            case Between(operand, low, high, negated):
                above, below = ("<", ">") if negated else (">=", "<=")
                join = pl.any_horizontal if negated else pl.all_horizontal
                ends = [self._beside_constant(operand, above, low), self._beside_constant(operand, below, high)]
                return join([end.fill_null(False) for end in ends])
            case Tested(operand, op, wanted, negated):
                tested = self._tested(operand, op, wanted, atom.at)
                return (tested.not_() if negated else tested).fill_null(False)
        raise AssertionError(atom)

    # ------------------------------------------------------------------ comparisons

    def _beside_constant(self, operand: Source, op: str, constant: Constant) -> pl.Expr:
        wanted = kind_of_constant(constant)
        if isinstance(operand, JsonPath):
            self._ordered(wanted, op, constant.at)
            read = _JSON_AS[wanted]
            value = float(constant.value) if wanted == "number" else constant.value
            return _compared(op, self._json(operand, read), pl.lit(value))
        kind = self._kind(operand)
        column = pl.col(operand.name)
        if kind == "nothing":
            return _never(column)
        if kind == "time" and wanted == "text":
            at = time_of(str(constant.value))
            if at is None:
                problem = f"column {operand.name} holds times, and {constant} is none"
                raise self._error(constant.at, problem, "write one such as '2026-11-01' or '2026-11-01T09:30:00Z'")
            return _compared(op, self._time(operand), pl.lit(at, dtype=UTC_MICROSECONDS))
        if kind != wanted:
            raise self._mismatch(operand, kind, constant)
        self._ordered(kind, op, constant.at)
        if kind == "number":
            return self._beside_number(operand, op, constant.value)
        return _compared(op, self._plain(operand), pl.lit(constant.value))

    def _beside_number(self, operand: Column, op: str, value: Any) -> pl.Expr:
        """Two whole numbers are compared exactly, all others as 64-bit floats."""
        dtype = self._schema[operand.name]
        if not (dtype.is_integer() and isinstance(value, int)):
            return _compared(op, self._float(operand), pl.lit(float(value)))
        column = pl.col(operand.name)
        least, greatest = _bounds(dtype)
        if least <= value <= greatest:
            return _compared(op, column, pl.lit(value, dtype=dtype))
        same_for_all = OPERATORS[op](0, value)
        return column.is_not_null() if same_for_all else _never(column)

    def _beside_column(self, left: Column, op: str, right: Column) -> pl.Expr:
        kinds = self._kind(left), self._kind(right)
        if "nothing" in kinds:
            return _never(pl.col(left.name))
        if kinds[0] != kinds[1] or kinds[0] == "list":
            problem = f"{shown(left)} holds {NAMES[kinds[0]]}, and {shown(right)} holds {NAMES[kinds[1]]}"
            raise self._error(right.at, problem, "compare columns of one kind")
        self._ordered(kinds[0], op, right.at)
        if kinds[0] != "number":
            read = self._time if kinds[0] == "time" else self._plain
            return _compared(op, read(left), read(right))
        dtypes = self._schema[left.name], self._schema[right.name]
        if all(dtype.is_integer() for dtype in dtypes):
                return _compared(op, pl.col(left.name).cast(pl.Int128), pl.col(right.name).cast(pl.Int128))
        return _compared(op, self._float(left), self._float(right))

    def _beside_path(self, left: Column, op: str, path: JsonPath) -> pl.Expr:
        kind = self._kind(left)
        match kind:
            case "nothing":
                return _never(pl.col(left.name))
            case "text":
                return _compared(op, self._plain(left), self._json(path, _json_text))
            case "number":
                return _compared(op, self._float(left), self._json(path, _json_number))
            case "bool":
                self._ordered(kind, op, path.at)
                return _compared(op, self._plain(left), self._json(path, _json_bool))
        problem = f"{shown(left)} holds {NAMES[kind]}, which {path} cannot hold"
        raise self._error(path.at, problem, "compare a path with text, numbers, or true and false")

    def _one_of(self, operand: Source, values: tuple[Constant, ...], negated: bool) -> pl.Expr:
        texts = all(isinstance(value.value, str) for value in values)
        if texts and (isinstance(operand, JsonPath) or self._kind(operand) == "text"):
            text = self._json(operand, _json_text) if isinstance(operand, JsonPath) else self._plain(operand)
            found = text.is_in([value.value for value in values])
            return found.not_() if negated else found
        each = [self._beside_constant(operand, "!=" if negated else "==", value).fill_null(False) for value in values]
        return pl.all_horizontal(each) if negated else pl.any_horizontal(each)

    def _tested(self, operand: Source, op: str, wanted: str, at: int) -> pl.Expr:
        if isinstance(operand, JsonPath):
            value = self._json(operand, _json_text)
        else:
            kind = self._kind(operand)
            if kind == "nothing":
                return _never(pl.col(operand.name))
            if kind == "list" and op == "contains":
                return pl.col(operand.name).list.contains(pl.lit(wanted))
            if kind != "text":
                mend = "test it by contains 'text'" if kind == "list" else "compare it with == != < <= > >="
                raise self._error(at, f"`{op}` tests texts, and {shown(operand)} holds {NAMES[kind]}", mend)
            value = self._plain(operand)
        match op:
            case "starts_with":
                return value.str.starts_with(wanted)
            case "ends_with":
                return value.str.ends_with(wanted)
            case "contains":
                return value.str.contains(wanted, literal=True)
            case "matches":
                return value.str.contains(wanted, strict=True)
        return value.str.contains(glob_pattern(wanted) or "", strict=True)

    # ------------------------------------------------------------------ values

    def _any_value(self, operand: Source) -> pl.Expr:
        if isinstance(operand, JsonPath):
            return self._json(operand, _json_text)
        kind_of_column(self._text, operand, self._schema)
        column = pl.col(operand.name)
        return column.fill_nan(None) if self._schema[operand.name].is_float() else column

    def _bool(self, operand: Source) -> pl.Expr:
        if isinstance(operand, JsonPath):
            return self._json(operand, _json_bool)
        kind = self._kind(operand)
        if kind == "nothing":
            return _never(pl.col(operand.name))
        if kind != "bool":
            problem = f"{shown(operand)} holds {NAMES[kind]}, and stands alone where true or false is asked for"
            mend = f"compare it, such as {operand.name} == …, or ask {operand.name} is null"
            raise self._error(operand.at, problem, mend)
        return pl.col(operand.name)

    def _plain(self, column: Column) -> pl.Expr:
        dtype = self._schema[column.name]
        value = pl.col(column.name)
        return value.cast(pl.String) if isinstance(dtype, pl.Categorical | pl.Enum) else value

    def _float(self, column: Column) -> pl.Expr:
        dtype, value = self._schema[column.name], pl.col(column.name)
        if dtype != pl.Float64:
            value = value.cast(pl.Float64)
        return value.fill_nan(None) if dtype.is_float() else value

    def _time(self, column: Column) -> pl.Expr:
        dtype, value = self._schema[column.name], pl.col(column.name)
        if dtype == UTC_MICROSECONDS:
            return value
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
            return value.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
        return value.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")

    def _json(self, path: JsonPath, read: Callable[[JsonPath], pl.Expr]) -> pl.Expr:
        kind = kind_of_column(self._text, Column(path.column, path.at), self._schema)
        if kind == "nothing":
            return read(path)
        if kind != "text":
            raise self._error(path.at, f"column {path.column} holds {NAMES[kind]}, and no JSON text", "name a column")
        return read(path)

    def _kind(self, column: Column) -> Kind:
        return kind_of_column(self._text, column, self._schema)

    # ------------------------------------------------------------------ errors

    def _ordered(self, kind: Kind, op: str, at: int) -> None:
        if kind == "bool" and op not in ("==", "!="):
            raise self._error(at, f"true and false have no order for {op}", "write == or !=")

    def _mismatch(self, operand: Column, kind: Kind, constant: Constant) -> FilterError:
        problem = f"{shown(operand)} holds {NAMES[kind]}, and is compared with {constant}"
        match kind, constant.value:
            case "text", _:
                mend = f"quote it: '{constant}'"
            case "number", str() as said if _is_number(said):
                mend = f"leave the quotes out: {said}"
            case "list", _:
                mend = f"test it by {operand.name} contains '…'"
            case "bool", _:
                mend = f"write {operand.name}, or {operand.name} == false"
            case "time", _:
                mend = "write a time such as '2026-11-01T09:30:00Z'"
            case _:
                mend = "compare it with a number"
        return self._error(constant.at, problem, mend)

    def _error(self, at: int, problem: str, mend: str) -> FilterError:
        return FilterError(self._text, at, problem, mend)


def _compared(op: str, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    found: pl.Expr = OPERATORS[op](left, right)
    return found


def _never(column: pl.Expr) -> pl.Expr:
    """False in each row of the column's frame, where a plain `lit` would be one row."""
    return column.is_null() & column.is_not_null()


def _json_text(path: JsonPath) -> pl.Expr:
    return pl.col(path.column).cast(pl.String).str.json_path_match(path.inner)


def _json_number(path: JsonPath) -> pl.Expr:
    """The number at a path, or the one that a text there holds; infinite ones are none."""
    text = _json_text(path)
    number = text.str.strip_chars(" \t\r\n").str.strip_prefix("+").cast(pl.Float64, strict=False)
    return pl.when(text.str.contains(NUMBER_PATTERN) & number.is_finite()).then(number)


def _json_bool(path: JsonPath) -> pl.Expr:
    text = _json_text(path)
    return pl.when(text.is_in(["true", "false"])).then(text == "true")


def _bounds(dtype: pl.DataType) -> tuple[int, int]:
    bits = int("".join(letter for letter in str(dtype) if letter.isdigit()))
    if dtype.is_unsigned_integer():
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_JSON_AS: dict[Kind, Callable[[JsonPath], pl.Expr]] = {"text": _json_text, "number": _json_number, "bool": _json_bool}
