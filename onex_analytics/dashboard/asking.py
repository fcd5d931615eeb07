"""What a page asks with: a store at one version, the answers that all share, and the rules that are tried on it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from onex_analytics.alerting import RuleSet
from onex_analytics.dashboard.answers import Answers
from onex_analytics.dashboard.holding import Holding

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Asking:
    """Everything that a section reads."""

    holding: Holding
    answers: Answers
    rules: RuleSet | None = None
    rules_name: str = ""

    def kept(self, *key: Hashable, reckon: Callable[[], Found]) -> Found:
        """What several sections share: reckoned by the first that asks, kept for this version of the store."""
        found: Any = self.answers.value_of((self.holding.version, *key), reckon)
        return found  # type: ignore[no-any-return]
