"""What each member of canonical JSON takes, compiled: names are numbered as they come."""

from __future__ import annotations

import numpy as np

from onex_analytics.machine import is_text, lean, load, text_place
from onex_analytics.sizing.writing_kernels import DATA, METADATA, SHORT_ESCAPES, same, stops_of


@lean
def _escaped(place, size):  # type: ignore[no-untyped-def]
    """The bytes that escapes add to so many bytes of text at an address."""
    more = np.int64(0)
    for k in range(size):
        c = load(place + np.uint64(k), 1)
        if c == 34 or c == 92:
            more += 1
        elif c < 32:
            more += 1 if SHORT_ESCAPES[c] else 5
    return more


@lean
def text_sizes(views, first, texts, valid, skipped, out):  # type: ignore[no-untyped-def]
    """The bytes of each text in JSON, with its quotes; of a null 2."""
    for i in range(out.size):
        out[i] = 2
        if not is_text(valid, skipped, i):
            continue
        place, size = text_place(views, first, texts, i)
        out[i] += np.int64(size)
        while size >= 8:
            if stops_of(load(place, 8)):
                out[i] += _escaped(place, 8)
            place += np.uint64(8)
            size -= np.uint64(8)
        out[i] += _escaped(place, np.int64(size))


@lean
def _known(text, begin, size, inside, names, slots, told):  # type: ignore[no-untyped-def]
    """(the number of a name, how many there are now): the next one where it is new; −1 where there is no room for it.

    `inside` tells apart names at the top, in the metadata and in `data`. `names` holds of each its place, its bytes and
    that; `slots` is a table of numbers from 1 on by hash, of a power of two.
    """
    value = np.uint64(14695981039346656037) + np.uint64(inside)
    for k in range(size):
        value = (value ^ np.uint64(text[begin + k])) * np.uint64(1099511628211)
    mask = slots.size - 1
    slot = np.int64((value ^ value >> np.uint64(29)) & np.uint64(mask))
    while slots[slot]:
        one = slots[slot] - 1
        if names[one, 2] == inside and same(text, begin, size, text, names[one, 0], names[one, 1]):
            return one, told
        slot = (slot + 1) & mask
    if told >= names.shape[0]:
        return np.int64(-1), told
    names[told, 0], names[told, 1], names[told, 2] = begin, size, inside
    slots[slot] = told + 1
    return told, told + 1


@lean
def tell_fields(text, ends, members, names, slots, rows, fields, sizes):  # type: ignore[no-untyped-def]
    """What each field takes, event by event: its row, the number of its name and its bytes. Row by row the first is of
    number 0: the brace that opens the event.

    Args:
        members: of `write_events`: place, rank, bytes of the key and of the whole.

    Returns:
        (how many are told, −1 where there are more names than `names` has room for; how many names there are).
    """
    told, known, m = np.int64(0), np.int64(1), np.int64(0)
    for i in range(ends.size - 1):
        rows[told], fields[told] = i, 0
        sizes[told] = 2 if ends[i + 1] - ends[i] == 2 else 1
        told += 1
        while m < members.shape[0] and members[m, 0] < ends[i + 1]:
            begin, size = members[m, 0], members[m, 3]
            one, known = _known(text, begin + 1, members[m, 2] - 2, 0, names, slots, known)
            if one < 0:
                return one, known
            holder = told
            rows[told], fields[told], sizes[told] = i, one, size + 1
            told += 1
            inside = 1 if members[m, 1] == METADATA else 2 if members[m, 1] == DATA else 0
            p, end = begin + members[m, 2] + 1, begin + size
            if inside and text[p] == 123 and end - p > 2:
                p += 1
                while p < end:
                    first = p
                    p = _past_string(text, p)
                    one, known = _known(text, first + 1, p - first - 2, inside, names, slots, known)
                    if one < 0:
                        return one, known
                    p = _past_value(text, p + 1) + 1
                    rows[told], fields[told], sizes[told] = i, one, p - first
                    sizes[holder] -= p - first
                    told += 1
            m += 1
    return told, known


@lean
def tell_members(text, ends, inside, names, slots, rows, fields, sizes, whole):  # type: ignore[no-untyped-def]
    """What each member of objects takes, of canonical values of any kind: its row, the number of its name, and its
    bytes with the comma or brace behind it; and to `whole`, what all of an object take, 0 for another value.

    Args:
        inside: of each value, 1 where it is metadata, 2 where it is `data`.

    Returns:
        (how many are told, −1 where there are more names than `names` has room for; how many names there are).
    """
    told, known = np.int64(0), np.int64(1)
    for i in range(ends.size - 1):
        p, end = ends[i], ends[i + 1]
        whole[i] = 0
        if end - p <= 2 or text[p] != 123:
            continue
        p += 1
        while p < end:
            first = p
            p = _past_string(text, p)
            one, known = _known(text, first + 1, p - first - 2, inside[i], names, slots, known)
            if one < 0:
                return one, known
            p = _past_value(text, p + 1) + 1
            rows[told], fields[told], sizes[told] = i, one, p - first
            whole[i] += p - first
            told += 1
    return told, known


@lean
def _past_value(text, p):  # type: ignore[no-untyped-def]
    depth = 0
    while depth > 0 or (text[p] != 44 and text[p] != 125):
        c = text[p]
        if c == 34:
            p = _past_string(text, p)
            continue
        if c == 123 or c == 91:
            depth += 1
        elif c == 125 or c == 93:
            depth -= 1
        p += 1
    return p


@lean
def _past_string(out, p):  # type: ignore[no-untyped-def]
    p += 1
    while out[p] != 34:
        p += 2 if out[p] == 92 else 1
    return p + 1
