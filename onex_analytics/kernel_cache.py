"""Where compiled kernels are kept, so that they are compiled once.

Numba keeps them beside the module, else in the user's cache folder, else it refuses to define a kernel at all ("no
locator available"). A service whose user owns no folder, on a read-only installation, is such a case.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def see_to_kernel_cache(
    package: Path, environment: MutableMapping[str, str] = os.environ,
    may_write: Callable[[Path], bool] = lambda folder: os.access(folder, os.W_OK | os.X_OK),
) -> Path | None:
    """Name a folder for Numba where it would find none: below the temporary files, of this user alone, and say so.

    Must have run before Numba is imported, which reads the variable then; costs a look at one folder.

    Args:
        package: the folder of the package.
        environment: where `NUMBA_CACHE_DIR` is looked for, and set.
        may_write: whether a folder, or what is to become one, may be written to.

    Returns:
        The folder that was named; None where Numba finds one by itself.
    """
    if environment.get(VARIABLE) or may_write(package) or _can_be_made(_user_cache(environment), may_write):
        return None
    import logging

    folder = _own_folder()
    environment[VARIABLE] = str(folder)
    logging.getLogger(__name__).warning(
        "compiled kernels are kept in %s: neither %s nor a cache folder of this user can be written to. "
        "Mend: name a folder that stays in %s.", folder, package, VARIABLE,
    )  # fmt: skip
    return folder


def _user_cache(environment: MutableMapping[str, str]) -> Path:
    """Where Numba would keep kernels of this user (as its copy of appdirs has it)."""
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home)
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "numba"
    return Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "numba"


def _can_be_made(folder: Path, may_write: Callable[[Path], bool]) -> bool:
    """The nearest folder above that exists, as far as may be seen, may be written to."""
    there = next((place for place in (folder, *folder.parents) if os.path.exists(place)), None)
    return there is not None and may_write(there)


def _own_folder() -> Path:
    """A folder that nobody else can write to, because what lies in it is run; the same one each time where possible."""
    import stat
    import tempfile

    if hasattr(os, "getuid"):
        folder = Path(tempfile.gettempdir()) / f"onex-analytics-kernels-{os.getuid()}"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
        except OSError:
            pass
        else:
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
                return folder
    return Path(tempfile.mkdtemp(prefix="onex-analytics-kernels-"))
