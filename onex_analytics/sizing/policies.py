"""How large events may be and what becomes of those that are not, as frozen data. What decides is in `deciding`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Final, Literal, Self

import zstandard
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Codec = Literal["zstd", "gzip"]
OnOversize = Literal["reject", "truncate_field", "claim_check"]

LIMITS: Final[Mapping[str, int]] = MappingProxyType({"cloudevents": 64 * 1024, "kafka": 1024 * 1024})
"""What others take, in bytes: CloudEvents asks every consumer to accept 64 KiB (specification 1.0, "Size limits");
Kafka's producers send at most 1 MiB at once unless told otherwise (`max.request.size`)."""

_LEVELS: Final[Mapping[str, tuple[int, int, int]]] = {"zstd": (1, 3, 22), "gzip": (1, 6, 9)}
_DICTIONARY = b"\x37\xa4\x30\xec"


class SizePolicy(BaseModel):
    """What is sent of an event: as it is, compressed where it is large, and what becomes of it where that is too large.

    `max_bytes` and `warn_bytes` are of what is sent. An event is compressed where its JSON has more than
    `compress_over` bytes and gets smaller by it. Where that is more than `max_bytes`, the event is

    - `reject`: refused;
    - `truncate_field`: sent with its largest fields cut, and told which (`truncated_fields`);
    - `claim_check`: put whole into a store, and sent as what it is and where to get it.

    >>> policy = SizePolicy(max_bytes=2048, warn_bytes=1024, codec="gzip")
    >>> policy.level_used, policy.untouched_bytes
    (6, 2048)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    name: str = "size"
    warn_bytes: int | None = Field(
        default=LIMITS["cloudevents"], ge=1, description="more is sent and marked; None never is"
    )
    max_bytes: int = Field(default=LIMITS["kafka"], ge=1, description="more is not sent")
    compress_over: int | None = Field(
        default=10 * 1024, ge=0, description="events with more bytes are compressed; None never are"
    )
    codec: Codec = "zstd"
    level: int | None = Field(default=None, description="1 to 22 of zstd (3), 1 to 9 of gzip (6)")
    dictionary: bytes | None = Field(
        default=None, repr=False, description="of `train_dictionary`; readers need the same one"
    )
    on_oversize: OnOversize = "reject"

    @field_validator("dictionary")
    @classmethod
    def _known_dictionary(cls, found: bytes | None) -> bytes | None:
        if found is not None and (not found.startswith(_DICTIONARY) or not dictionary_id(found)):
            raise ValueError("it is no Zstandard dictionary. Mend: make one by `sizing.train_dictionary(events)`")
        return found

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        lowest, _, highest = _LEVELS[self.codec]
        if not lowest <= self.level_used <= highest:
            raise ValueError(f"level is {self.level}; wanted one from {lowest} to {highest}, as {self.codec} has them")
        if self.dictionary is not None and self.codec != "zstd":
            raise ValueError(f"{self.codec} takes no dictionary. Mend: choose the codec zstd, or leave it out")
        if self.warn_bytes is not None and self.warn_bytes > self.max_bytes and "warn_bytes" in self.model_fields_set:
            raise ValueError(f"warn_bytes is {self.warn_bytes:,}; wanted at most max_bytes, {self.max_bytes:,}")
        return self

    @property
    def level_used(self) -> int:
        """The level, or that of the codec where none was given."""
        return self.level if self.level is not None else _LEVELS[self.codec][1]

    @cached_property
    def untouched_bytes(self) -> int:
        """An event of at most so many bytes is sent as it is, whatever it holds."""
        return self.max_bytes if self.compress_over is None else min(self.max_bytes, self.compress_over)


PRESETS: Final[Mapping[str, SizePolicy]] = MappingProxyType({
    "cloudevents": SizePolicy(name="cloudevents", warn_bytes=None, max_bytes=LIMITS["cloudevents"]),
    "kafka": SizePolicy(name="kafka", max_bytes=LIMITS["kafka"]),
})  # fmt: skip
"""Policies for the limits of others."""


@lru_cache(maxsize=64)
def dictionary_id(dictionary: bytes) -> int:
    """The number by which what was compressed with a dictionary names it; 0 where it has none."""
    return zstandard.ZstdCompressionDict(dictionary).dict_id()
