"""Pages posted to a webhook, in the payload that Alertmanager posts."""

from __future__ import annotations

from onex_analytics.alerting.notification.pages import Page
from onex_analytics.alerting.receivers.payload import webhook_payload
from onex_analytics.alerting.receivers.posting import checked_url, post_json


class Webhook:
    """Posts each page, Alertmanager's payload of version 4.

    The header `Idempotency-Key` is the page's id: where a page is posted once more, because the program was killed
    between the answer and its note of it, a receiver can know it again.

    Args:
        url: where to, http or https.
        timeout_s: how long to wait for a connection, and for each part of the answer.

    >>> Webhook("http://localhost:8080/hook").url
    'http://localhost:8080/hook'
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        self.url, self.timeout_s = checked_url(url), timeout_s

    def __call__(self, page: Page) -> None:
        headers = {"Idempotency-Key": page.page_id}
        post_json(self.url, webhook_payload(page), timeout_s=self.timeout_s, headers=headers)
