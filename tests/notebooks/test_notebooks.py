"""What a notebook is: one story that calls the package, for a reader who runs it from the top."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

PATHS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
LONGEST_LINE = 130  # what JupyterLab shows on a screen of 1300 pixels without scrolling is a little less
LONGEST_FUNCTION = 3


def notebook(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def cells(path: Path, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook(path)["cells"] if cell["cell_type"] == kind]


def test_there_is_a_notebook_for_each_question():
    assert [path.stem[:2] for path in PATHS] == [f"{number:02}" for number in range(1, len(PATHS) + 1)]
    assert len(PATHS) == 7


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
class TestEachNotebook:
    def test_is_plain_and_says_nothing_of_the_machine_it_was_written_on(self, path: Path):
        read = notebook(path)
        assert (read["nbformat"], read["nbformat_minor"]) == (4, 5)
        assert read["metadata"]["kernelspec"]["name"] == "python3"
        assert set(read["metadata"]) == {"kernelspec", "language_info"}
        ids = [cell["id"] for cell in read["cells"]]
        assert len(set(ids)) == len(ids)
        assert all(cell["metadata"] == {} for cell in read["cells"])
        assert not re.search(r"/(?:home|root|tmp|work|Users)/", path.read_text(encoding="utf-8"))

    def test_begins_with_its_question_and_tells_a_story(self, path: Path):
        first = notebook(path)["cells"][0]
        assert first["cell_type"] == "markdown" and "".join(first["source"]).startswith("# ")
        headings = [line for text in cells(path, "markdown") for line in text.splitlines() if line.startswith("## ")]
        assert len(headings) >= 3

    def test_defines_nothing_long(self, path: Path):
        for source in cells(path, "code"):
            for node in ast.walk(ast.parse(source)):
                assert not isinstance(node, ast.ClassDef)
                if isinstance(node, ast.FunctionDef):
                    assert len(node.body) <= LONGEST_FUNCTION, node.name

    def test_needs_no_scrolling_to_be_read(self, path: Path):
        for source in cells(path, "code"):
            assert max(len(line) for line in source.splitlines()) <= LONGEST_LINE

    def test_draws_the_same_log_each_time(self, path: Path):
        for source in cells(path, "code"):
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "ox.generate":
                    assert "seed" in {keyword.arg for keyword in node.keywords}

    def test_writes_to_a_temporary_folder_only(self, path: Path):
        written = "\n".join(cells(path, "code"))
        assert "folder = Path(tempfile.mkdtemp())" in written
        for target in re.findall(r"(?:write_\w+|\.write|EventStore|to_jsonl)\(\s*(\S+)", written):
            assert target.startswith(("folder", '"""', "profiling.export")), target

    def test_its_links_lead_somewhere(self, path: Path):
        for text in cells(path, "markdown"):
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
                assert "://" not in target and (path.parent / target).exists(), target

    def test_the_readme_leads_to_it(self, path: Path):
        assert f"(notebooks/{path.name})" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
