"""Every notebook runs from top to bottom, shows what it asserts, and defines nothing."""

import ast
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def python_of(cell):
    """A code cell without the notebook's own magic lines."""
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))


def code_cells(path):
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_uses_the_package_and_ends_in_an_assert(path):
    trees = [ast.parse(python_of(cell)) for cell in code_cells(path)]
    defined = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))
    ]
    assert defined == []
    assert isinstance(trees[-1].body[-1], ast.Assert)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
# the kernel's own plumbing warns of its future; the notebook's warnings stay in its kernel
@pytest.mark.filterwarnings("default")
def test_a_notebook_runs(path):
    book = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        book, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    outputs = [out for cell in book.cells if cell.cell_type == "code" for out in cell.outputs]
    assert outputs
    assert not [out for out in outputs if out.output_type == "error" or out.get("name") == "stderr"]
