"""A state on disk, in one file: whole or not there, and known to be whole when it is read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from onex_analytics.exceptions import InputError

_MAGIC = b"onex-analytics alert state "
_VERSION = 1


def write_checkpoint(path: Path, state: bytes) -> None:
    """Put the state into the file at once: after a crash there is the old one or the new one.

    Written beside it, brought to the disk, renamed, and the folder brought to the disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(state).hexdigest().encode()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + str(_VERSION).encode() + b"\n" + digest + b"\n")
            file.write(state)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_checkpoint(path: Path) -> bytes | None:
    """The state in the file; None where there is no file.

    Raises:
        InputError: the file is damaged, was made by a newer version, or is none of ours.
    """
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        return None
    head, _, rest = held.partition(b"\n")
    if not head.startswith(_MAGIC):
        raise InputError(f"{path} is no state of alert rules. Mend: name another file, or move this one away.")
    version = head[len(_MAGIC) :].decode("ascii", "replace")
    if version != str(_VERSION):
        raise InputError(
            f"{path} has version {version}; this onex_analytics reads version {_VERSION}. Mend: upgrade "
            "onex_analytics, or begin anew with another file."
        )
    digest, _, state = rest.partition(b"\n")
    if hashlib.sha256(state).hexdigest().encode() != digest:
        raise InputError(
            f"{path} is damaged: its check sum is another. Mend: put back a copy of it, or begin anew with another "
            "file."
        )
    return state


def sweep_parts(path: Path) -> None:
    """Remove what writes that were killed left beside the file."""
    for part in path.parent.glob(f".{path.name}.*.part"):
        with contextlib.suppress(OSError):
            part.unlink()
