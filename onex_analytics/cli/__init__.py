"""The command `onex-analytics`: a door. One file a command group; each imports what it needs when it runs."""

from __future__ import annotations

from onex_analytics.cli.application import app, main

__all__ = ["app", "main"]
