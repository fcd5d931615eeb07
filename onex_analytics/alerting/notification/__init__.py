"""From transitions to pages: Alertmanager's routes, groups, waits, repeats, inhibitions, silences and muted times.

    Notifier      a pure state machine; the backtest and the live engine drive the same one
    Page          what one receiver is told at one time; `pages_frame` makes a frame of them
"""

from __future__ import annotations

from onex_analytics.alerting.notification.notifier import Notifier
from onex_analytics.alerting.notification.pages import PAGES, Page, PageAlert, pages_frame, wakes

__all__ = ["PAGES", "Notifier", "Page", "PageAlert", "pages_frame", "wakes"]
