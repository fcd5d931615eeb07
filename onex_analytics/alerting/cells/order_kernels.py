"""Kernels over events in the order of time and id: completed sequences and ended work."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

Numbers = NDArray[Any]
_NEVER = np.iinfo(np.int64).min


@lean
def complete_sequences(instance: Numbers, at: Numbers, steps: Numbers, breaks: Numbers, within: int, ordered: bool,
                       begun: Numbers, completed: Numbers) -> Any:  # fmt: skip
    """Which events complete a sequence of their instance.

    `begun[i, s]`: ordered, the latest start of a sequence that got to step s; in any order, the latest event of step s.
    """
    many = steps.shape[0]
    for row in range(len(at)):
        one = instance[row]
        completed[row] = 0
        if breaks[row]:
            for step in range(many):
                begun[one, step] = _NEVER
            continue
        matched = False
        for step in range(many - 1, -1, -1):
            if not steps[step, row]:
                continue
            matched = True
            if not ordered or step == 0:
                begun[one, step] = at[row]
            elif begun[one, step - 1] != _NEVER and at[row] - begun[one, step - 1] <= within:
                begun[one, step] = max(begun[one, step], begun[one, step - 1])
            if ordered and step == many - 1 and begun[one, step] != _NEVER:
                break
        if not matched:
            continue
        done = begun[one, many - 1] != _NEVER
        if not ordered:
            for step in range(many):
                if begun[one, step] == _NEVER or at[row] - begun[one, step] > within:
                    done = False
        if done:
            completed[row] = 1
            for step in range(many):
                begun[one, step] = _NEVER
    return 0


@lean
def find_ends(operation: Numbers, at: Numbers, begins: Numbers, give_up: int, ended: Numbers) -> Any:
    """When each start was ended: an end takes the oldest open start of its operation that is not given up."""
    head = 0
    for row in range(len(at)):
        if row == 0 or operation[row] != operation[row - 1]:
            head = row
        if begins[row]:
            continue
        while head < row and (not begins[head] or at[head] <= at[row] - give_up):
            head += 1
        if head < row:
            ended[head] = at[row]
            head += 1
    return 0
