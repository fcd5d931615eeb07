"""Drain3 with the masks and the settings of its own example (examples/drain3.ini of its repository)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_AFTER, _BEFORE = "((?<=[^A-Za-z0-9])|^)", "((?=[^A-Za-z0-9])|$)"
MASKS = [
    (f"{_AFTER}(([0-9a-f]{{2,}}:){{3,}}([0-9a-f]{{2,}})){_BEFORE}", "ID"),
    (rf"{_AFTER}(\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}){_BEFORE}", "IP"),
    (f"{_AFTER}([0-9a-f]{{6,}} ?){{3,}}{_BEFORE}", "SEQ"),
    (f"{_AFTER}([0-9A-F]{{4}} ?){{4,}}{_BEFORE}", "SEQ"),
    (f"{_AFTER}(0x[a-f0-9A-F]+){_BEFORE}", "HEX"),
    (rf"{_AFTER}([\-\+]?\d+){_BEFORE}", "NUM"),
    ('(?<=executed cmd )(".+?")', "CMD"),
]


def drain_miner() -> Any:
    """A fresh miner that keeps nothing on disk."""
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.drain_sim_th, config.drain_depth, config.drain_max_children = 0.4, 4, 100
    config.drain_extra_delimiters = ["_"]
    config.mask_prefix, config.mask_suffix = "<:", ":>"
    config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in MASKS]
    config.profiling_enabled = False
    return TemplateMiner(config=config)


def drain_templates(messages: Iterable[str]) -> list[int]:
    """The number of the cluster of each line after all were read."""
    miner = drain_miner()
    return [miner.add_log_message(message)["cluster_id"] for message in messages]
