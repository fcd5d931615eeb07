"""Rules in YAML files: a list of mappings, each of them checked, the first that is wrong named by its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from onex_analytics.exceptions import InvalidOption, SourceError

Rule = TypeVar("Rule", bound=BaseModel)


def rules_in(path: str | Path, kind: type[Rule], what: str, wanted: str) -> list[Rule]:
    """The rules of a file, in order.

    Args:
        path: the file.
        kind: of each rule.
        what, wanted: the rules in words, and how such a file looks: for the message where it is none.

    Raises:
        InvalidOption: the file is no list in YAML, or a rule is none.
        SourceError: the file cannot be read.

    >>> class Pair(BaseModel):
    ...     left: int
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "pairs.yaml").write_text("- {left: 1}")
    ...     rules_in(Path(folder) / "pairs.yaml", Pair, "pairs", "a list of mappings with left")
    [Pair(left=1)]
    """
    import yaml

    try:
        held: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise SourceError(str(path), problem, "name a YAML file of rules") from error
    except UnicodeDecodeError as error:
        raise SourceError(str(path), f"is no text in UTF-8 (byte {error.start})", "name a YAML file of rules") from None
    except yaml.YAMLError as error:
        raise InvalidOption(what, f"{path}: {str(error).splitlines()[0]}", wanted) from None
    if not isinstance(held, list):
        raise InvalidOption(what, f"{path}: {type(held).__name__}", wanted)
    found = []
    for place, given in enumerate(held, 1):
        try:
            found.append(kind.model_validate(given))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "rule"
            raise InvalidOption(what, f"rule {place} of {path}, {where}: {first['msg']}", wanted) from None
    return found
