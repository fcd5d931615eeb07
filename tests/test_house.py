"""The house rules that a machine can hold."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "onex_analytics"

ROOMS = {
    "exceptions", "kernel_cache", "loading", "machine", "progress",
    "model", "registry", "security", "sources", "synthetic", "otel", "store", "frames",
    "profiling", "error_patterns", "sampling", "batching", "sizing", "alerting", "replay",
    "pipeline", "settings", "views", "jupyter", "looks", "dashboard", "servers", "cli",
}  # fmt: skip
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "core"}
LONGEST_FILE = 450

# put together here, so that this file is not a finding of its own
SCHEME = "http" + "s?" + "://"
REGISTRY = re.compile(SCHEME + r"[\w.-]*(pypi|pythonhosted|npmjs|deb\.debian|archive\.ubuntu|artifactory|devpi)", re.I)
MACHINE_PATH = re.compile(r"(?<![\w.])/" + r"(work|root|home/\w+|Users/\w+)/[\w.]", re.I)


def tracked(*patterns: str) -> list[Path]:
    """The files of this checkout: those git knows, else (in an unpacked archive) those that lie here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=REPOSITORY, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not a git checkout: " + listed.stderr.decode().strip())
    names = listed.stdout.decode().split("\0")
    return [path for name in names if name and (path := REPOSITORY / name).is_file()]


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def python_files() -> list[Path]:
    return tracked("*.py")


def test_every_room_is_on_the_plan():
    found = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in tracked("onex_analytics/**/*.py")}
    found |= {path.stem for path in PACKAGE.glob("*.py")}
    assert found - {"__init__", "__main__"} <= ROOMS


def test_a_file_is_named_for_what_it_knows():
    assert [named(path) for path in python_files() if path.stem.lstrip("_") in SAYS_NOTHING] == []


def test_no_file_holds_a_second_idea():
    lengths = {named(path): text_of(path).count("\n") for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_a_folder_with_one_file_is_a_file():
    rooms = [path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__"]
    contents = {named(room): [p.name for p in room.iterdir() if p.name != "__pycache__"] for room in rooms}
    assert [room for room, names in contents.items() if names == ["__init__.py"]] == []


def test_no_file_names_a_registry_or_a_place_on_one_machine():
    findings = [
        f"{named(path)}:{number}: {line.strip()[:120]}"
        for path in tracked()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if REGISTRY.search(line) or (MACHINE_PATH.search(line) and path.suffix not in {".jsonl", ".json"})
    ]
    assert findings == []


def test_the_locked_versions_have_hashes_and_no_addresses():
    files = tracked("requirements*.txt")
    assert files
    for path in files:
        text = text_of(path)
        assert "://" not in text, named(path)
        assert not re.search(r"^-{1,2}(index|extra-index|find-links|i\b|f\b)", text, re.M), named(path)
        pins = re.findall(r"^[a-z0-9][^\n]*", text, re.M)
        assert pins
        assert all("==" in pin and pin.endswith("\\") for pin in pins), named(path)


def test_no_lock_file_with_addresses_is_kept():
    assert tracked("uv.lock", "poetry.lock", "Pipfile.lock", "pylock*.toml") == []


def test_every_declared_dependency_is_locked():
    import tomllib

    project = tomllib.loads(text_of(REPOSITORY / "pyproject.toml"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted += [need for extra in project["project"]["optional-dependencies"].values() for need in extra]
    names = {re.split(r"[\[<>=!~; ]", need)[0].lower().replace("_", "-") for need in wanted}
    locked = set(re.findall(r"^([a-z0-9-]+)==", text_of(REPOSITORY / "requirements.lock.txt"), re.M))
    assert names - {"onex-analytics"} <= locked, "Mend: make lock"


def test_notebooks_are_kept_without_outputs():
    for path in tracked("*.ipynb"):
        for cell in json.loads(text_of(path))["cells"]:
            assert not cell.get("outputs") and cell.get("execution_count") is None, named(path)


def test_the_readme_names_the_commands_that_ci_runs():
    readme, ci = text_of(REPOSITORY / "README.md"), text_of(REPOSITORY / ".ci" / "run")
    for command in ("make demo", "make test"):
        assert re.search(rf"^{command}\b", readme, re.M), command
    assert re.search(r"^make test$", ci, re.M)


def test_every_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", text_of(REPOSITORY / "Makefile"), re.M))
    for path in tracked("*.md"):
        assert set(re.findall(r"\bmake ([a-z-]+)`", text_of(path))) <= targets, named(path)


def test_every_link_between_our_pages_leads_somewhere():
    for path in tracked("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text_of(path)):
            assert "://" in target or (path.parent / target).exists(), f"{named(path)} → {target}"


def test_every_command_stands_in_the_docs():
    import typer

    from onex_analytics.cli import app

    def walk(command: object, words: str) -> list[str]:
        inner = getattr(command, "commands", None)
        return [words] if inner is None else [w for name, c in inner.items() for w in walk(c, f"{words} {name}")]

    docs = "\n".join(text_of(path) for path in tracked("README.md", "docs/*.md"))
    missing = [words for words in walk(typer.main.get_command(app), "onex-analytics") if words not in docs]
    assert missing == [], "Mend: say in docs/cli.md what it is for"
