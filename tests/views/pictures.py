"""Pages as Chromium shows them: a screenshot, and its colours."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def screenshot(chromium: Path, page: str, folder: Path, size: tuple[int, int] = (900, 700)) -> NDArray[np.uint8]:
    """The pixels of a page, shape (height, width, 3). The browser asks no host: the page is a file."""
    source, target = folder / "page.html", folder / "page.png"
    source.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [
            str(chromium), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=10000",
            f"--window-size={size[0]},{size[1]}", f"--screenshot={target}", source.as_uri(),
        ],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert target.is_file(), f"no screenshot; chromium says: {done.stderr[-2000:]}"
    return pixels(target.read_bytes())


def pixels(png: bytes) -> NDArray[np.uint8]:
    """The colours of a PNG of eight bits a channel that is not interlaced, as Chromium writes it."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed = 8, b""
    width = height = channels = 0
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert (depth, interlaced) == (8, 0)
            channels = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    above = np.zeros((width, channels), np.int64)
    picture = np.empty((height, width, channels), np.uint8)
    for row, line in enumerate(lines):
        above = _line(int(line[0]), line[1:].astype(np.int64).reshape(width, channels), above)
        picture[row] = above
    return picture[:, :, :3]


def _line(rule: int, told: NDArray[np.int64], above: NDArray[np.int64]) -> NDArray[np.int64]:
    """One line, from what is told of it and the line above (PNG specification, §9)."""
    if rule in (0, 2):
        return (told + (above if rule else 0)) % 256
    if rule == 1:
        return np.cumsum(told, axis=0) % 256
    found = np.empty_like(told)
    for channel in range(told.shape[1]):
        left = corner = 0
        for x, (delta, up) in enumerate(zip(told[:, channel].tolist(), above[:, channel].tolist(), strict=True)):
            guess = (left + up) // 2 if rule == 3 else _paeth(left, up, corner)
            left, corner = (delta + guess) % 256, up
            found[x, channel] = left
    return found


def _paeth(left: int, up: int, corner: int) -> int:
    return min((abs(up - corner), 0, left), (abs(left - corner), 1, up), (abs(left + up - 2 * corner), 2, corner))[2]


def share_of(picture: NDArray[np.uint8], colour: str, within: int = 3) -> float:
    """The share of the pixels that have a colour, 0 to 1."""
    wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    return float((np.abs(picture.astype(np.int64) - wanted).max(axis=2) <= within).mean())
