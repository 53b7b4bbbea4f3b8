"""Results: tables, printing, and JSON round trips bit for bit, with malformed files refused."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rqe
from rqe.result.serialize import SCHEMA, from_dict, to_dict

STAG_HUNT = rqe.NormalFormGame(
    [[[4, 0], [3, 3]], [[4, 3], [0, 3]]],
    players=["Ann", "Bo"],
    actions=[["stag", "hare"], ["stag", "hare"]],
    name="stag hunt",
)


def same(a, b):
    """Whether two results agree to the bit, field by field."""
    assert type(a) is type(b)
    if dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        assert not b.flags.writeable or b.dtype != np.float64
    elif isinstance(a, float) and np.isnan(a):
        assert np.isnan(b)
    else:
        assert a == b


def round_trip(result, folder):
    path = folder / "result.json"
    rqe.save(result, path)
    again = rqe.load(path)
    same(result, again)
    # strict JSON: no bare NaN or Infinity
    json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"bare {word}"))
    assert [p.name for p in folder.iterdir()] == ["result.json"]
    return again


def pure(eq):
    """The same record at a pure profile, whose log-probabilities hold -inf."""
    with np.errstate(divide="ignore"):
        logs = tuple(np.log(np.array([1.0, 0.0])) for _ in range(2))
    return dataclasses.replace(
        eq, log_strategies=logs, strategies=tuple(np.exp(z) for z in logs), residual=np.inf
    )


@pytest.mark.parametrize("tau", [0.0, 2.0, np.inf])
def test_equilibrium_round_trip(tau, tmp_path):
    eq = rqe.solve_rqe(STAG_HUNT, tau=[tau, 1.0], epsilon=0.5)
    again = round_trip(eq, tmp_path)
    assert again.agents[0].risk.tau == tau
    assert again.actions == (("stag", "hare"), ("stag", "hare"))
    assert str(again) == str(eq)
    assert round_trip(pure(eq), tmp_path).log_strategies[0][1] == -np.inf


def test_three_players_and_one_player(tmp_path):
    rng = np.random.default_rng(0)
    eq = rqe.solve_rqe(rqe.NormalFormGame(rng.random((3, 2, 3, 2))), tau=1.0, epsilon=0.3)
    assert round_trip(eq, tmp_path).beliefs[1].shape == (2, 2)
    alone = rqe.solve_rqe(rqe.NormalFormGame([[1.0, 2.0]]), tau=1.0, epsilon=0.3)
    assert round_trip(alone, tmp_path).beliefs[0].shape == ()


def test_sets_and_batches_round_trip(tmp_path):
    found = rqe.enumerate_rqe(STAG_HUNT, tau=0.5, epsilon=0.3)
    assert len(round_trip(found, tmp_path)) == len(found) >= 1
    nash = rqe.solve_nash(STAG_HUNT)
    assert len(round_trip(nash, tmp_path)) == 3
    payoffs = np.random.default_rng(1).random((4, 2, 2, 3))
    batch = rqe.solve_many(payoffs, tau=[0.0, 1.0], epsilon=0.3)
    again = round_trip(batch, tmp_path)
    same(again[2], batch[2])


def test_gaussian_round_trip(tmp_path):
    game = rqe.AggregativeGame(H=[[1.0]], target=[1.0], rho=[1.0, 1.0])
    eq = rqe.solve_rqe(game, tau=0.5, epsilon=1.0)
    round_trip(eq, tmp_path)


@given(
    st.lists(
        st.tuples(
            st.text(max_size=5),
            st.one_of(st.floats(), st.integers(-(10**6), 10**6), st.none(), st.booleans()),
        ),
        max_size=4,
    )
)
def test_any_table_round_trips_as_data(rows):
    table = rqe.Table(("word", "number"), tuple(rows), title="t")
    again = from_dict(json.loads(json.dumps(to_dict(table), allow_nan=False)))
    assert again.columns == table.columns
    for got, want in zip(again.rows, table.rows, strict=True):
        assert got[0] == want[0]
        if isinstance(want[1], float) and not np.isfinite(want[1]):
            assert float(got[1]) == want[1] or np.isnan(want[1])
        else:
            assert got[1] == want[1]


def test_table_columns_text_and_csv():
    table = rqe.Table(("game", "regret", "ok"), (("a<b", 0.1, True), ("c,d", 1 / 3, None)), "two")
    assert table.column("game") == ("a<b", "c,d")
    lines = str(table).splitlines()
    assert lines[0] == "two"
    assert lines[1].split() == ["game", "regret", "ok"]
    assert "0.33333333" in lines[3]
    assert "a&lt;b" in table._repr_html_()
    rows = list(csv.reader(table.to_csv().splitlines()))
    assert rows[2][0] == "c,d"
    assert float(rows[2][1]) == 1 / 3
    with pytest.raises(ValueError, match=r"name must be one of.*'x'"):
        table.column("x")
    with pytest.raises(ValueError, match="3 cells"):
        rqe.Table(("a", "b", "c"), ((1, 2),))
    assert str(rqe.Table(("a",), ())) == "a"


def test_printing_is_for_people():
    eq = rqe.solve_rqe(STAG_HUNT, tau=1.0, epsilon=0.5)
    assert "stag hunt" in repr(eq)
    for word in ("Ann", "Bo", "hare", "CONVERGED", "regret"):
        assert word in str(eq)
    assert eq._repr_html_().count("<tr>") == 5
    large = rqe.solve_qre(rqe.NormalFormGame(np.random.default_rng(0).random((2, 40, 40))), 1.0)
    assert len(str(large).splitlines()) == 4
    found = rqe.solve_nash(STAG_HUNT)
    assert "3 equilibria" in str(found)
    batch = rqe.solve_many(np.zeros((3, 2, 2, 2)), 0.0, 1.0)
    assert "3 games" in repr(batch)
    assert "CONVERGED" in str(batch)


def test_an_equilibrium_is_a_sequence_of_strategies():
    eq = rqe.solve_rqe(STAG_HUNT, tau=1.0, epsilon=0.5)
    assert len(eq) == 2
    first, second = eq
    np.testing.assert_array_equal(first, eq[0])
    np.testing.assert_array_equal(second, eq.strategies[1])
    for array in (*eq.strategies, *eq.log_strategies, *eq.beliefs, eq.payoffs, eq.regret):
        assert not array.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        eq.status = None


def test_errors_carry_what_they_know():
    eq = rqe.solve_rqe(STAG_HUNT, tau=1.0, epsilon=0.5)
    failed = dataclasses.replace(eq, status=rqe.Status.MAX_STEPS)
    error = rqe.ConvergenceError(failed, "after 3 steps")
    assert error.result is failed
    assert error.status is rqe.Status.MAX_STEPS
    assert "raise max_steps" in str(error)
    assert "after 3 steps" in str(error)
    risky = rqe.InfiniteRiskError(1, 5.0, 2.0)
    assert (risky.player, risky.max_tau) == (1, 2.0)
    assert "tau[1] = 5" in str(risky)
    assert isinstance(risky, ValueError)
    assert "rqe[gambit]" in str(rqe.MissingExtraError("pygambit", "gambit"))


def valid():
    return to_dict(rqe.solve_rqe(STAG_HUNT, tau=1.0, epsilon=0.5))


MALFORMED = {
    "not a result": ([1, 2], "schema must be"),
    "another schema": ({"schema": "rqe-result-0"}, "rqe-result-0"),
    "no kind": ({"schema": SCHEMA}, "kind must be"),
    "unknown kind": ({"schema": SCHEMA, "kind": "Picture"}, "Picture"),
    "no fields": ({"schema": SCHEMA, "kind": "Equilibrium"}, "missing"),
}
CHANGES = {
    "extra field": ({"colour": "red"}, "unexpected.*colour"),
    "unknown status": ({"status": "FINE"}, "malformed Equilibrium.*FINE"),
    "status a number": ({"status": 3}, "malformed Equilibrium"),
    "words for numbers": ({"payoffs": ["a", "b"]}, "malformed Equilibrium.*'a'"),
    "numbers in quotes": ({"payoffs": ["1.0", "2.0"]}, "malformed Equilibrium.*'1.0'"),
    "null payoffs": ({"values": [None, None]}, "malformed Equilibrium.*None"),
    "ragged": ({"payoffs": [[1.0], [2.0, 3.0]]}, "inhomogeneous"),
    "booleans": ({"regret": [True, False]}, "malformed Equilibrium.*True"),
    "negative tau": ({"agents": [{"tau": -1, "epsilon": 1}] * 2}, "tau must be"),
    "agents without tau": ({"agents": [{"epsilon": 1}]}, "malformed Equilibrium.*tau"),
    "agents a number": ({"agents": 3}, "malformed Equilibrium"),
    "residual a word": ({"residual": "small"}, "malformed Equilibrium.*'small'"),
    "strategies a number": ({"strategies": 3}, "malformed Equilibrium"),
}


@pytest.mark.parametrize("case", [*MALFORMED, *CHANGES])
def test_malformed_files_are_refused(case, tmp_path):
    if case in MALFORMED:
        data, message = MALFORMED[case]
    else:
        change, message = CHANGES[case]
        data = {**valid(), **change}
    path = tmp_path / "result.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=message):
        rqe.load(path)


@pytest.mark.parametrize("text", ["", "{", "not json", "[" * 100_000])
def test_files_that_are_not_json_are_refused_by_path(text, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"path must hold.*result\.json"):
        rqe.load(path)


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "result.json"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ValueError):
        rqe.load(path)


def test_what_cannot_be_saved_leaves_nothing_behind(tmp_path):
    path = tmp_path / "result.json"
    for thing in (None, {"a": 1}, STAG_HUNT):
        with pytest.raises(ValueError, match="result must be"):
            rqe.save(thing, path)
    unwritable = rqe.Table(("a",), ((object(),),))
    with pytest.raises((TypeError, ValueError)):
        rqe.save(unwritable, path)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    table = rqe.Table(("a",), ((1,),))
    rqe.save(table, path)
    before = path.read_text()

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="disk full"):
        rqe.save(rqe.Table(("b",), ((2,),)), path)
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(OSError):
        rqe.save(rqe.Table(("a",), ()), tmp_path / "nowhere" / "x.json")
