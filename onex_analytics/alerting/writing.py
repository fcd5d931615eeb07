"""Rules as the text of a file: what `load_rules` reads as the same rules."""

from __future__ import annotations

from typing import Any

import yaml

from onex_analytics.alerting.rules import RuleSet


class _Dumper(yaml.SafeDumper):
    """Lists and mappings begin on lines of their own; small ones stand in one line. Nothing is said by an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def rules_text(rules: RuleSet) -> str:
    """The rules as a file, without what is as usual. Comments of a file that was read are not kept.

    >>> from onex_analytics.alerting import load_rules, presets
    >>> load_rules(rules_text(presets())) == presets()
    True
    """
    told = rules.model_dump(mode="json", exclude_defaults=True)
    return yaml.dump(
        told or {"groups": []}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )
