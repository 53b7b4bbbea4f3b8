"""Notebooks run, define nothing, end in asserts, and are committed with the outputs of a fresh run.

``python tests/test_notebooks.py [NAME ...]`` runs them and writes their outputs anew, and the
pictures of `PICTURES` that the README and the docs show.
"""

import ast
import os
import re
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(
    (ROOT / "notebooks").glob("*.ipynb"), key=lambda path: int(path.stem.split("_")[0])
)
PICTURES = ROOT / "docs" / "pictures"
SVG = "image/svg+xml"
BYTES, PICTURE_BYTES = 250_000, 100_000
STYLE = "svg.hashsalt: rqe\n"  # without it the same picture has other identifiers in every run
STAMP = re.compile(r" *<metadata>.*?</metadata>\n", re.DOTALL)  # date and version of matplotlib
DRAWN = re.compile(r'(?<= d=")[^"]*')
DIGITS = re.compile(r"(\.\d\d)\d+")  # of coordinates in points: two decimals do
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def read(path):
    return nbformat.read(path, as_version=4)


def python_of(cell):
    """A code cell without the notebook's own magic lines."""
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))


def code_cells(book):
    return [c for c in book.cells if c.cell_type == "code"]


def outputs_of(book):
    return [out for cell in code_cells(book) for out in cell.outputs]


def text_of(out, kind):
    """What an output holds of one kind, in one piece."""
    if out.output_type == "stream":
        return "".join(out.text) if kind == "text/plain" else ""
    return "".join(out.get("data", {}).get(kind, ""))


def texts(cell):
    """All that a cell says in words and numbers, and how many pictures it draws."""
    kinds = ("text/plain", "text/html", "text/latex")
    words = ["".join(text_of(out, kind) for out in cell.outputs) for kind in kinds]
    return words, sum(SVG in out.get("data", {}) for out in cell.outputs)


def differences(one, other):
    """Where two texts differ, but for spaces and the last digits of numbers."""
    words = [re.sub(r"[\s-]+", "", NUMBER.sub("#", text)) for text in (one, other)]
    if words[0] != words[1]:
        return [tuple(words)]
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return [
        (a, b)
        for a, b in pairs
        if abs(float(a) - float(b)) > 1e-8 + 1e-5 * max(abs(float(a)), abs(float(b)))
    ]


def execute(path, style):
    """The notebook after a fresh run."""
    book = read(path)
    for cell in code_cells(book):
        cell.outputs, cell.execution_count = [], None
    style.write_text(STYLE)
    settings = {"MATPLOTLIBRC": str(style), "OPENBLAS_NUM_THREADS": "1"}
    nbclient.NotebookClient(
        book,
        timeout=120,
        kernel_name="python3",
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(ROOT)}},
    ).execute(env=os.environ | settings)
    return book


def pictures(book):
    """SVG by file name, of the cells whose metadata name a picture."""
    return {
        cell.metadata["picture"]: text_of(out, SVG)
        for cell in code_cells(book)
        for out in cell.outputs
        if "picture" in cell.metadata and SVG in out.get("data", {})
    }


def test_they_are_numbered_in_reading_order():
    assert [path.stem.split("_")[0] for path in NOTEBOOKS] == [
        str(k) for k in range(1, len(NOTEBOOKS) + 1)
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_defines_nothing_and_ends_in_an_assert(path):
    trees = [ast.parse(python_of(cell)) for cell in code_cells(read(path))]
    defined = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))
    ]
    assert defined == []
    assert isinstance(trees[-1].body[-1], ast.Assert)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_committed_outputs_are_whole_and_small(path):
    book = read(path)
    assert path.stat().st_size < BYTES
    assert [cell.execution_count for cell in code_cells(book)] == [
        k + 1 for k in range(len(code_cells(book)))
    ]
    found = outputs_of(book)
    assert any(SVG in out.get("data", {}) for out in found)
    assert not [out for out in found if out.output_type == "error" or out.get("name") == "stderr"]
    # nothing that only this run or this machine knows
    assert all(set(cell.metadata) <= {"picture"} for cell in book.cells)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert book.metadata.language_info == {"name": "python"}
    assert not re.search(
        r"(/home|/root|/tmp|/usr|site-packages|ipykernel_| at 0x)", path.read_text()
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
# the kernel's own plumbing warns of its future; the notebook's warnings stay in its kernel
@pytest.mark.filterwarnings("default")
def test_a_fresh_run_says_what_is_committed(path, tmp_path):
    fresh = execute(path, tmp_path / "matplotlibrc")
    assert not [out for out in outputs_of(fresh) if out.get("name") == "stderr"]
    for new, old in zip(code_cells(fresh), code_cells(read(path)), strict=True):
        (said, drawn), (committed, shown) = texts(new), texts(old)
        assert drawn == shown
        for a, b in zip(said, committed, strict=True):
            assert differences(a, b) == [], new.source


def test_pictures_are_those_of_the_notebooks():
    drawn = {name: svg for path in NOTEBOOKS for name, svg in pictures(read(path)).items()}
    kept = {path.name: path.read_text() for path in PICTURES.glob("*")}
    assert kept == drawn
    assert all(len(svg.encode()) < PICTURE_BYTES for svg in kept.values())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("residual 1.1e-16, P 0.25", "residual 0, P  0.250000001", True),
        ("gain -0.0", "gain 3e-12", True),
        ("tau 0.8288", "tau 0.8289", False),
        ("3 equilibria", "4 equilibria", False),
        ("3 equilibria", "3 equilibrium", False),
        ("a 1 2", "a 1", False),
    ],
)
def test_texts_are_compared_by_their_numbers(one, other, same):
    assert (differences(one, other) == []) is same


def write(path, style):
    """Run a notebook and commit what it says: outputs into it, named pictures beside the docs."""
    book = execute(path, style)
    for out in outputs_of(book):
        if SVG in out.get("data", {}):
            svg = STAMP.sub("", text_of(out, SVG))
            out.data[SVG] = DRAWN.sub(lambda d: " ".join(DIGITS.sub(r"\1", d[0]).split()), svg)
    for cell in book.cells:
        kept = {k: v for k, v in cell.metadata.items() if k == "picture"}
        cell.metadata = nbformat.NotebookNode(kept)
    book.metadata = nbformat.v4.new_notebook().metadata | {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(book, path)
    PICTURES.mkdir(exist_ok=True)
    for name, svg in pictures(book).items():
        (PICTURES / name).write_text(svg)


if __name__ == "__main__":
    import tempfile

    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for path in NOTEBOOKS:
            if not wanted or path.stem in wanted:
                write(path, Path(folder) / "matplotlibrc")
