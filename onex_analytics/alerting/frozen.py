"""Frozen data of a rule file: the base of its models, and mappings that cannot be changed and have a hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Value = TypeVar("Value")


class Frozen(BaseModel):
    """A part of a rule file: unknown keys are refused, nothing changes once it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class FrozenDict(dict[str, Value]):
    """A dictionary in the order of its keys, that is never changed.

    >>> FrozenDict({"b": 1, "a": 2})
    {'a': 2, 'b': 1}
    """

    def __init__(self, items: Mapping[str, Value]) -> None:
        super().__init__({name: items[name] for name in sorted(items)})

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none, as it can change; this one cannot
        return hash(tuple(self.items()))

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a rule is frozen; make another one with `model_copy(update={…})`")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict[Value]], tuple[dict[str, Value]]]:
        return FrozenDict, (dict(self),)


Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
"""Numbers that are none in quotes: a threshold of "0.05" is a text."""

FrozenMap = Annotated[Mapping[str, Value], AfterValidator(FrozenDict)]
"""A field that holds a mapping of names, sorted and frozen."""


def no_items() -> FrozenDict[Any]:
    """The default of such a field."""
    return FrozenDict({})
