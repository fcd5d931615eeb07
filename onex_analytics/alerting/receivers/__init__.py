"""Where pages go: any callable, standard output, a file, a webhook, an Alertmanager.

A receiver of pages is anything that can be called with a `Page`; what it raises means that the page was not taken, and
it is tried again (`Delivery`). `Refused` means that trying again is of no use.
"""

from __future__ import annotations

from onex_analytics.alerting.receivers.alertmanager import Alertmanager
from onex_analytics.alerting.receivers.delivery import Delivery, PageReceiver, Refused
from onex_analytics.alerting.receivers.jsonl import JsonLines
from onex_analytics.alerting.receivers.payload import webhook_payload
from onex_analytics.alerting.receivers.printed import Printed, page_lines
from onex_analytics.alerting.receivers.targets import receivers_of
from onex_analytics.alerting.receivers.webhook import Webhook

__all__ = [
    "Alertmanager",
    "Delivery",
    "JsonLines",
    "PageReceiver",
    "Printed",
    "Refused",
    "Webhook",
    "page_lines",
    "receivers_of",
    "webhook_payload",
]
