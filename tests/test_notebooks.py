"""The notebooks: each runs from top to bottom as it stands, and stores nothing but one picture."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 100_000
"""Bytes of a notebook with its picture."""


def opened(path):
    return nbformat.read(path, as_version=4)


def pictures(notebook):
    """Every picture among the outputs."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output for output in outputs if "image/png" in output.get("data", {})]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_is_stored_but_one_picture(path):
    notebook = opened(path)
    nbformat.validate(notebook)
    stored = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert stored == pictures(notebook) and len(stored) == 1
    assert {cell.get("execution_count") for cell in notebook.cells} == {None}
    assert path.stat().st_size < LARGEST


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs(path, tmp_path, monkeypatch):
    """In a fresh kernel and an empty folder; a cell that fails is an error of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = opened(path)
    stored = len(pictures(notebook))
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert len(pictures(notebook)) >= stored
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source)


def test_the_page_leads_to_every_notebook():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"(notebooks/{path.name})" in text for path in NOTEBOOKS)
