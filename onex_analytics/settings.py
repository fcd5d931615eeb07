"""One model of settings: feature flags and policies, from arguments, the environment and a YAML file.

By default nothing is enabled, and events are what they were.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from onex_analytics.batching import BatchPolicy
from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling import (
    DynamicPolicy,
    DynamicSampler,
    EventSampler,
    ProbabilityPolicy,
    RulePolicy,
    TailPolicy,
    TailSampler,
    load_policies,
)
from onex_analytics.sampling.deciding import AnyPolicy
from onex_analytics.sampling.policies import Scope
from onex_analytics.sizing import SizePolicy

PREFIX: Final = "ONEX_"
"""What variables of the environment begin with: `ONEX_BATCHING_MAX_SIZE` is `max_size` of `batching`."""
FILE_VARIABLE: Final = "ONEX_SETTINGS_FILE"
"""The variable that names a YAML file."""

_FROZEN = ConfigDict(frozen=True, extra="forbid")
_ENABLED = "whether the pipeline has this stage"
_OWN: Final = {"enabled", "dictionary_file"}


class SamplingSettings(BaseModel):
    """What is kept: shares by event type, or a whole policy.

    >>> SamplingSettings(enabled=True, rates={"TELEMETRY_*": 0.1}).sampler().policy.default
    1.0
    """

    model_config = _FROZEN

    enabled: bool = Field(default=False, description=_ENABLED)
    rates: dict[str, float] = Field(
        default_factory=dict, description="share kept of each event type, 0 to 1, in which *, ? and […] are wildcards"
    )
    default: float = Field(default=1.0, ge=0, le=1, description="share kept of other types, 0 to 1")
    keep_failures: bool = Field(default=True, description="whether failures are kept whatever the shares say")
    scope: Scope = Field(default="trace", description="whose id decides: that of the trace, or of the event alone")
    policy: Annotated[
        ProbabilityPolicy | RulePolicy | TailPolicy | DynamicPolicy, Field(discriminator="kind")
    ] | None = Field(default=None, description="a whole policy, in place of all of these but enabled")
    policy_file: Path | None = Field(
        default=None, description="of a whole policy, as `sampling.load_policies` reads it"
    )
    policy_name: str | None = Field(default=None, description="which policy of the file, where it has several")

    @field_validator("rates")
    @classmethod
    def _shares(cls, rates: dict[str, float]) -> dict[str, float]:
        if wrong := {name: share for name, share in rates.items() if not 0 <= share <= 1}:
            raise ValueError(f"{wrong}; wanted shares from 0 to 1")
        return rates

    def sampler(self) -> EventSampler | TailSampler | DynamicSampler | None:
        """The live sampler; None where sampling is off.

        Raises:
            InvalidOption: several ways to say what is kept, or a file without the one policy that is meant, or with
                something that has no counterpart here.
            RuleError, SourceError: the file has a mistake, or cannot be read.
        """
        if not self.enabled:
            return None
        ways = [name for name in ("rates", "policy", "policy_file") if getattr(self, name)]
        if len(ways) > 1:
            raise InvalidOption("sampling", ways, "one of them, as each says what is kept")
        policy = self._of_file(self.policy_file) if self.policy_file is not None else self.policy
        if policy is None:
            rules = [{"name": name, "event_type": name, "probability": share} for name, share in self.rates.items()]
            policy = RulePolicy.model_validate({
                "name": "rates", "rules": rules, "default": self.default, "keep_failures": self.keep_failures,
                "scope": self.scope,
            })  # fmt: skip
        if isinstance(policy, TailPolicy):
            return TailSampler(policy)
        return DynamicSampler(policy) if isinstance(policy, DynamicPolicy) else EventSampler(policy)

    def _of_file(self, path: Path) -> AnyPolicy:
        found = load_policies(path)
        if found.unmapped.height:
            lost = found.unmapped["policy"].unique(maintain_order=True).to_list()
            wanted = "only what has a counterpart here; see `load_policies(path).unmapped`, and write the file anew"
            raise InvalidOption("sampling.policy_file", f"{path}, with {lost}", wanted)
        named = [one for one in found.policies if self.policy_name in (None, one.name)]
        if len(named) != 1:
            names = [one.name for one in found.policies]
            raise InvalidOption("sampling.policy_name", self.policy_name, f"one of the policies of {path}: {names}")
        return named[0]


class BatchingSettings(BatchPolicy):
    """How events become batches: see `batching.BatchPolicy`.

    >>> BatchingSettings(enabled=True, max_size=10).policy().title
    '10 events or 1 s'
    """

    enabled: bool = Field(default=False, description=_ENABLED)

    def policy(self) -> BatchPolicy | None:
        """The policy; None where batching is off."""
        return BatchPolicy(**self.model_dump(exclude=_OWN)) if self.enabled else None


class SizingSettings(SizePolicy):
    """How large events may be: see `sizing.SizePolicy`.

    >>> SizingSettings(enabled=True, max_bytes=65536).policy().max_bytes
    65536
    """

    enabled: bool = Field(default=False, description=_ENABLED)
    dictionary_file: Path | None = Field(
        default=None, description="of a dictionary that `onex-analytics size train` wrote"
    )

    def policy(self) -> SizePolicy | None:
        """The policy; None where sizing is off.

        Raises:
            InvalidOption: the file of the dictionary cannot be read, or holds none.
        """
        if not self.enabled:
            return None
        given = self.model_fields_set - _OWN  # no others: what `warn_bytes` is by default hangs on `max_bytes`
        fields = {name: getattr(self, name) for name in given}
        if self.dictionary_file is not None:
            try:
                fields["dictionary"] = self.dictionary_file.read_bytes()
                return SizePolicy.model_validate(fields)
            except (OSError, ValidationError) as problem:
                wanted = "a file that `onex-analytics size train` wrote"
                raise InvalidOption("sizing.dictionary_file", str(self.dictionary_file), wanted) from problem
        return SizePolicy.model_validate(fields)


class Settings(BaseSettings):
    """All settings. An argument holds before the environment, this before a YAML file, and that before the default.

    Every field has a variable: `ONEX_`, its part, `_`, its name (`ONEX_SAMPLING_ENABLED=true`,
    `ONEX_BATCHING_MAX_SIZE=512`; of `rates` and `policy` the JSON). A name that is not known is refused wherever it
    stands, so that a slip of the pen does not switch anything off in silence.

    >>> Settings().sampling.enabled, Settings(batching={"enabled": True}).batching.policy().max_size
    (False, 100)
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="_", env_nested_max_split=1, frozen=True, extra="forbid"
    )

    sampling: SamplingSettings = SamplingSettings()
    batching: BatchingSettings = BatchingSettings()
    sizing: SizingSettings = SizingSettings()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Arguments, then the environment: a file is merged in by `load`, and no other source is asked."""
        return init_settings, _Behind(settings_cls, env_settings)


class _Behind(PydanticBaseSettingsSource):
    """What a source says of fields of which none before it does.

    Its rates come behind theirs, as the first that matches holds; a policy of one is not mixed with that of another.
    """

    def __init__(self, settings_cls: type[BaseSettings], source: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__(settings_cls)
        self._source = source

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        return self._source().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        held, found = self.current_state, dict(self._source())
        for part, fields in found.items():
            before = held.get(part)
            if isinstance(fields, Mapping) and isinstance(before, Mapping):
                found[part] = {name: value for name, value in fields.items() if name not in before}
                theirs, own = before.get("rates"), fields.get("rates")
                if isinstance(theirs, Mapping) and isinstance(own, Mapping):
                    found[part]["rates"] = {**theirs, **own, **theirs}
        return found


def load_settings(path: str | Path | None = None, **given: Any) -> Settings:
    """The settings of a YAML file and of the environment.

    Args:
        path: of the file: a mapping of `sampling`, `batching` and `sizing`. None takes the one that the variable
            `ONEX_SETTINGS_FILE` names, where it is set.
        given: parts that hold before all others, such as `batching={"max_size": 10}`.

    Raises:
        InvalidOption: a setting is not known or out of its bounds; the file cannot be read or is no mapping.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "onex.yaml"
    ...     _ = file.write_text("sampling: {enabled: true, rates: {TELEMETRY_*: 0.1}}")
    ...     load_settings(file).sampling.rates
    {'TELEMETRY_*': 0.1}
    """
    path = os.environ.get(FILE_VARIABLE) or None if path is None else path
    found = {} if path is None else _read(Path(path))

    class Merged(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource,
            **named: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
            first = super().settings_customise_sources(settings_cls, *sources, **named)
            return *first, _Behind(settings_cls, lambda: found)

    try:
        merged = Merged(**given)
        return Settings.model_construct(**{name: getattr(merged, name) for name in Settings.model_fields})
    except ValidationError as problem:
        source = "" if path is None else f" (in the environment or {path})"
        raise InvalidOption(f"a setting{source}", _mistakes(problem), _KNOWN) from problem
    except SettingsError as problem:
        told = f"{problem} ({problem.__cause__})"
        raise InvalidOption("a variable of the environment", told, "JSON where a field is a mapping") from problem


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise InvalidOption("the settings file", f"{path} ({problem})", "a readable file of YAML") from problem
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidOption("the settings file", f"{path}: {type(found).__name__}", _KNOWN)
    return {str(name): value if value is not None else {} for name, value in found.items()}


def _mistakes(problem: ValidationError) -> str:
    """Each mistake: where it stands, what is wrong, and what was found."""
    told = []
    for mistake in problem.errors(include_url=False):
        where = ".".join(str(step) for step in mistake["loc"])
        found = "" if mistake["type"] in ("extra_forbidden", "missing") else f" (found {mistake['input']!r:.60})"
        what = "is not known" if mistake["type"] == "extra_forbidden" else mistake["msg"].removeprefix("Value error, ")
        told.append(f"{where}: {what}{found}")
    return "; ".join(told)


_KNOWN: Final = "fields of " + ", ".join(
    f"{part} ({', '.join(model.model_fields)})"
    for part, model in (("sampling", SamplingSettings), ("batching", BatchingSettings), ("sizing", SizingSettings))
)
