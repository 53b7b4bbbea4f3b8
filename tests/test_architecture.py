"""The design's table as code: who imports whom, which heavy import lives where, how long is long.

A room is a file or folder of `rqe` next to its `__init__`. Imports are read from the syntax tree,
those inside functions and `importlib.import_module` included: laziness changes when, not who.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

MAY_IMPORT = {
    "core": set(),
    "model": {"core"},
    "result": {"core", "model"},
    "certificate": {"core", "model", "result"},
    "solvers": {"core", "model", "result", "certificate"},
    "analysis": {"core", "model", "result", "certificate", "solvers", "_version"},
    "train": {"core", "model", "result"},
    "interop": {"model", "result"},
    "plot": {"result"},
    "plot_grid": {"plot"},
    "plot_crossplay": {"plot"},
    "cli": {
        "model", "result", "certificate", "solvers", "analysis", "train", "interop", "plot",
        "_version", "__init__", "cli_bars", "cli_crossplay", "cli_figure2",
        "cli_train", "cli_sweep",
    },
    "cli_bars": set(),
    "cli_crossplay": {"result", "train", "plot", "plot_crossplay", "cli_bars", "cli_train"},
    "cli_figure2": {"result", "train", "cli_bars", "cli_crossplay", "cli_train"},
    "cli_sweep": {"analysis", "cli_bars", "__init__"},
    "cli_train": {"result", "train", "cli_bars", "__init__"},
    "__init__": {"core", "model", "result", "solvers", "interop", "analysis", "_version"},
    "__main__": {"cli"},
    "_version": set(),
}  # fmt: skip
"""The rooms, and what each may import of the package beside itself."""

CORE_ORDER = (
    "ops",
    "degrees",
    "roots",
    "divergences",
    "tails",
    "risk",
    "regularizer",
    "response",
    "gaussian",
)
"""Each file of the core may import only those listed before it."""

OWNERS = {
    "numpy": ("rqe/model/", "rqe/result/", "rqe/certificate.py", "rqe/solvers/", "rqe/analysis/",
              "rqe/train/", "rqe/interop/", "rqe/plot", "rqe/cli", "games/"),
    "scipy": ("rqe/solvers/", "rqe/analysis/", "rqe/model/_transitions.py",
              "games/cliff_walk.py", "games/overcooked_gridworld.py"),
    "cvxpy": ("rqe/solvers/convex",),
    "sympy": ("rqe/analysis/",),
    "flint": ("rqe/solvers/rigorous",),
    "joblib": ("rqe/analysis/",),
    "matplotlib": ("rqe/plot",),
    "jax": ("rqe/train/", "games/overcooked.py"),
    "optax": ("rqe/train/",),
    "safetensors": ("rqe/train/",),
    "pettingzoo": ("rqe/train/zoo.py",),
    "gymnasium": ("rqe/train/zoo.py",),
    "nashpy": ("rqe/solvers/", "rqe/interop/"),
    "pygambit": ("rqe/interop/",),
    "quantecon": ("rqe/interop/", "rqe/solvers/nash"),
    "tqdm": ("rqe/cli",),
    "pandas": ("rqe/analysis/sweep_table.py",),
}  # fmt: skip
"""Every third-party package, and the places that may import it (a path, or its beginning)."""

HEAVY = ("jax", "optax", "safetensors", "pettingzoo", "gymnasium", "cvxpy", "sympy", "flint",
         "matplotlib", "nashpy", "pygambit", "quantecon", "tqdm", "joblib",
         "pandas", "dask", "distributed", "scipy.optimize")  # fmt: skip
"""What `import rqe` and `import games` leave alone."""

FILES = sorted([*ROOT.glob("rqe/**/*.py"), *ROOT.glob("games/**/*.py")])
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
EACH_FILE = pytest.mark.parametrize("name", NAMES)


def tree_of(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def module_of(name: str) -> tuple[str, ...]:
    """Dotted name of a file, in parts; a package's `__init__` keeps that word."""
    return Path(name).with_suffix("").parts


def imports_of(name: str, tree: ast.Module | None = None) -> set[tuple[str, ...]]:
    """Absolute dotted names that a file imports, in parts, with imported names as last parts."""
    here = module_of(name)
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(tree_of(name) if tree is None else tree):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            found |= {(*base, alias.name) for alias in node.names}
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            target = node.args[0]
            if isinstance(target, ast.Constant):
                found.add(tuple(str(target.value).split(".")))
    return found


def room_of(parts: tuple[str, ...]) -> str:
    """The room of `rqe` that a dotted name lies in."""
    rooms = {p.stem if p.is_file() else p.name for p in (ROOT / "rqe").iterdir()}
    return parts[1] if len(parts) > 1 and parts[1] in rooms else "__init__"


def test_the_walker_sees_every_form_of_import():
    source = """
import a.b
from . import c
from ..d import e
def f():
    from .g import h
    importlib.import_module("i.j")
"""
    found = imports_of("rqe/solvers/x.py", ast.parse(source))
    assert found == {
        ("a", "b"),
        ("rqe", "solvers", "c"),
        ("rqe", "d", "e"),
        ("rqe", "solvers", "g", "h"),
        ("i", "j"),
    }


def test_no_unplanned_room():
    present = {
        p.stem if p.is_file() else p.name
        for p in (ROOT / "rqe").iterdir()
        if p.suffix == ".py" or (p.is_dir() and list(p.glob("*.py")))
    }
    assert present <= set(MAY_IMPORT), f"rooms that the design does not have: {present}"
    assert {"core", "model", "result", "certificate", "solvers"} <= present


@EACH_FILE
def test_only_allowed_arrows(name):
    here = module_of(name)
    targets = {t for t in imports_of(name) if t[0] in ("rqe", "games")}
    if here[0] == "games":
        deep = {".".join(t) for t in targets if t[0] == "rqe" and len(t) > 2}
        assert not deep, f"games may import public names of rqe only, not {deep}"
        return
    room = "__init__" if here == ("rqe", "__init__") else here[1]
    reached = {room_of(t) for t in targets if t[0] == "rqe"} - {room}
    assert reached <= MAY_IMPORT[room], f"{room} may not import {reached - MAY_IMPORT[room]}"
    assert room.startswith("cli") or not any(t[0] == "games" for t in targets), (
        "only the command looks into games"
    )


@EACH_FILE
def test_heavy_imports_stay_at_home(name):
    allowed = set(sys.stdlib_module_names) | {"rqe", "games"}
    for top in {t[0] for t in imports_of(name)} - allowed:
        assert top in OWNERS, f"{top} has no home in the design"
        assert any(name.startswith(home) for home in OWNERS[top]), f"{top} may not live here"


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("rqe/core/")])
def test_core_files_import_only_those_before_them(name):
    stem = Path(name).stem
    order = () if stem == "__init__" else CORE_ORDER[: CORE_ORDER.index(stem)]
    for target in imports_of(name):
        if target[0] == "rqe":
            assert target[:2] == ("rqe", "core")
            assert target[2] in order, f"{stem} may not import {target[2]}"
        else:
            assert target[0] in sys.stdlib_module_names, f"the core may not import {target[0]}"


def top_level_imports(name: str) -> set[tuple[str, ...]]:
    """Imports that run when the module is loaded."""
    tree = tree_of(name)
    tree.body = [n for n in tree.body if not isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.body = [n for n in node.body if not isinstance(n, ast.FunctionDef)] or [ast.Pass()]
    return imports_of(name, tree)


def test_no_circular_imports():
    modules = {module_of(n): n for n in NAMES}
    arrows: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for module, name in modules.items():
        arrows[module] = set()
        for target in top_level_imports(name):
            # the longest prefix that is a file: `from .ops import kl` reaches the file ops
            for end in range(len(target), 0, -1):
                hit = next((m for m in (target[:end], (*target[:end], "__init__")) if m in modules),
                           None)  # fmt: skip
                if hit is not None:
                    if hit != module:
                        arrows[module].add(hit)
                    break
    # a package's own files may name their siblings through it; what counts is a closed walk
    done: set[tuple[str, ...]] = set()

    def visit(module: tuple[str, ...], path: tuple[tuple[str, ...], ...]) -> None:
        assert module not in path, " -> ".join(".".join(m) for m in (*path, module))
        if module not in done:
            for following in sorted(arrows[module]):
                visit(following, (*path, module))
            done.add(module)

    for module in sorted(arrows):
        visit(module, ())


@EACH_FILE
def test_files_and_functions_are_short(name):
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 450
    for node in ast.walk(tree_of(name)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            documented = ast.get_docstring(node)
            code = lines - (len(documented.splitlines()) if documented else 0)
            assert code <= 70, f"{node.name} has {code} lines of code"


@EACH_FILE
def test_only_the_command_line_prints(name):
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print" or name.startswith("rqe/cli"), f"print at {node.lineno}"


@EACH_FILE
def test_solvers_do_not_warn(name):
    if name.startswith("rqe/solvers/"):
        for node in ast.walk(tree_of(name)):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("warnings.warn", "warn")


@pytest.mark.parametrize("package", ["rqe", "games"])
def test_importing_brings_in_nothing_heavy(package):
    script = (
        f"import sys; import {package}; "
        f"found = sorted(set({HEAVY!r}) & set(sys.modules)); "
        "assert not found, found"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
