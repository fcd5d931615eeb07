"""From words to receivers: those of a rule file, and those of a command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onex_analytics.alerting.receivers.alertmanager import Alertmanager
from onex_analytics.alerting.receivers.delivery import PageReceiver
from onex_analytics.alerting.receivers.jsonl import JsonLines
from onex_analytics.alerting.receivers.printed import Printed
from onex_analytics.alerting.receivers.webhook import Webhook
from onex_analytics.alerting.routing import Notification
from onex_analytics.exceptions import InvalidOption

Target = PageReceiver | Alertmanager
"""What takes pages, or what takes the alerts themselves."""
Receivers = Mapping[str, Target | Sequence[Target]] | Sequence[Target] | Target
"""Targets by the name of a receiver, or those of all receivers."""


def receivers_of(notification: Notification) -> dict[str, list[Target]]:
    """The targets that a rule file gives each of its receivers."""
    found: dict[str, list[Target]] = {}
    for receiver in notification.receivers:
        targets: list[Target] = []
        if receiver.stdout:
            targets.append(Printed())
        if receiver.jsonl is not None:
            targets.append(JsonLines(receiver.jsonl))
        if receiver.webhook is not None:
            targets.append(Webhook(receiver.webhook))
        if receiver.alertmanager is not None:
            targets.append(Alertmanager(receiver.alertmanager))
        found[receiver.name] = targets
    return found


def targets_of(notification: Notification, given: Receivers | None) -> dict[str, list[Target]]:
    """The targets of each receiver: those given, else those of the rule file.

    Raises:
        InvalidOption: a name that is no receiver's.
    """
    found = receivers_of(notification)
    if given is None:
        return found
    if not isinstance(given, Mapping):
        return {name: [*given] if isinstance(given, Sequence) else [given] for name in found}
    if unknown := sorted(set(given) - set(found)):
        raise InvalidOption("receivers", ", ".join(unknown), f"names of the rules' receivers: {', '.join(found)}")
    return found | {name: [*target] if isinstance(target, Sequence) else [target] for name, target in given.items()}


_KINDS: Mapping[str, type[JsonLines] | type[Webhook] | type[Alertmanager]] = {
    "jsonl": JsonLines, "webhook": Webhook, "alertmanager": Alertmanager,
}  # fmt: skip


def target_of(text: str) -> Target:
    """A target in one word: "stdout", "jsonl:PATH", "webhook:URL" or "alertmanager:URL".

    Raises:
        InvalidOption: it is none.
    """
    if text == "stdout":
        return Printed()
    kind, _, where = text.partition(":")
    if kind not in _KINDS or not where:
        raise InvalidOption("a receiver", text, "stdout, jsonl:PATH, webhook:URL or alertmanager:URL")
    return _KINDS[kind](where)
