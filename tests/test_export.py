"""Systems in Promela, in C and as graphs: other tools count what our engine counts."""

from __future__ import annotations

import random
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dmaverify.checking.exporting import exported
from dmaverify.checking.frontend import load
from dmaverify.checking.problems import WrongInput
from dmaverify.cli.main import run
from dmaverify.engines.successors import Compiled, Hit, Move
from dmaverify.export.ccode import PRELUDE, Block, number
from dmaverify.export.choose import Bad, Exported, NotExportable, chosen
from dmaverify.export.dot import to_dot
from dmaverify.export.promela import Names, to_promela
from dmaverify.ir.expr import FALSE, TRUE, and_, const, eq, input_, le, mk, not_, raw, var
from dmaverify.ir.system import Action, Always, Check, Input, System, Var
from dmaverify.ir.types import BOOL, Bool, Int
from tests.support.op_engines import cases, meaning
from tests.support.random_system import random_system
from tests.support.spin import needs_gcc, needs_spin, spin

U4, I4, U40 = Int(4), Int(4, True), Int(40)
N = var("n", U4)
ONE = const(1, U4)
AC = "bench/ac.dma"


def _all(system: System) -> Exported:
    """The System as it stands, with all of its checks."""
    bads = [
        Bad(c.prop, c.label, and_(c.path, not_(c.cond)), n) for n, a in enumerate(system.actions) for c in a.checks
    ]
    bads += [Bad(w.prop, w.label, and_(w.when, not_(w.cond))) for w in system.always]
    return Exported(system, tuple(b for b in bads if b.cond is not FALSE))


@dataclass
class _Count:
    """All states, also those that lie behind a failure."""

    states: int
    transitions: int
    starts: int
    failed: set[str]
    """Properties."""


def _counted(system: System) -> _Count:
    compiled = Compiled(system)
    todo = list(dict.fromkeys(compiled.initial_states()))
    count, seen = _Count(0, 0, len(todo), set()), set(todo)
    for state in todo:
        moves: list[Move] = []
        hits: list[Hit] = []
        here: list[int] = []
        compiled.moves(state, moves, hits)
        compiled.observe(state, here)
        found = [compiled.targets[n] for n in (*here, *(h[0] for h in hits))]
        count.failed |= {t.prop for t in found if t.kind in ("check", "always")}
        count.transitions += len(moves)
        for m in moves:
            if m[0] not in seen:
                seen.add(m[0])
                todo.append(m[0])
    count.states = len(seen)
    return count


# -- C --------------------------------------------------------------------------------------------------


@needs_gcc
def test_operators_in_c(tmp_path: Path) -> None:
    """Every operator of core IR at corners and at random means in C what the table says."""
    rng = random.Random(5)
    lines, wanted = [], []
    for case in cases(rng, 0):
        types = [*case.arg_types, case.type]
        if case.data is not None or not all(isinstance(t, Bool) or (isinstance(t, Int) and t.width <= 64) for t in types):
            continue
        leaves = tuple(var(f"x{n}", t) for n, t in enumerate(case.arg_types))
        values = dict(zip((x.data for x in leaves), case.values, strict=True))
        # through variables that the compiler of C does not see through, and as constants
        constants = tuple(const(v, t) for v, t in zip(case.values, case.arg_types, strict=True))
        for args in (leaves, constants) if rng.random() < 0.2 else (leaves,):
            block = Block(lambda n, values=values: f"g({number(values[n.data])})")  # type: ignore[misc]
            root = raw(case.op, case.type, args, case.data)
            block.share(root)
            lines.append(" ".join(["{", *block.lines, f'printf("%llx\\n", (U)({block.text(root)})); }}']))
            value = meaning(case.op, case.values, case.arg_types, case.type, case.data)
            wanted.append(int(value) & ((1 << 64) - 1))
    assert len(wanted) > 1000
    parts = [lines[n : n + 500] for n in range(0, len(lines), 500)]
    functions = [f"static void f{n}(void) {{\n" + "\n".join(part) + "\n}" for n, part in enumerate(parts)]
    calls = " ".join(f"f{n}();" for n in range(len(parts)))
    guard = "#define g(x) (*(volatile __typeof__(x) *)&(__typeof__(x)){x})"
    text = "\n".join(["#include <stdio.h>", PRELUDE, guard, *functions, f"int main(void) {{ {calls} return 0; }}"])
    (tmp_path / "ops.c").write_text(text)
    subprocess.run(["gcc", "-O0", "-w", "-fsanitize=undefined", "-o", "ops", "ops.c"], cwd=tmp_path, check=True)
    done = subprocess.run(["./ops"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""  # nothing that C leaves undefined
    assert [int(x, 16) for x in done.stdout.split()] == wanted


def test_names_are_distinct_in_c() -> None:
    """Two variables never share a C name."""
    names = ["a[1]", "a(1)", "a_1", "a_1_2", "now", "A b"]
    found = Names([Var(n, BOOL, False) for n in names])
    assert len({found[n] for n in names}) == len(names)
    assert all(re.fullmatch(r"v_\w+", found[n]) for n in names)


# -- SPIN -----------------------------------------------------------------------------------------------


@needs_spin
def test_spin_counts_the_benchmark(tmp_path: Path, root: Path) -> None:
    """States and transitions of AC(4,2), whole and sliced; SPIN counts the way to the first state as a transition."""
    model = exported(str(root / AC), "promela", params={"pages": 4, "slots": 2}, prop="sound", slice=False)
    assert isinstance(model, str)
    counted = spin(tmp_path, model)
    assert (counted.states, counted.transitions, counted.failures) == (3229, 29046 + 1, 0)


@needs_spin
@pytest.mark.parametrize("seed", range(4))
def test_spin_counts_random_systems(tmp_path: Path, seed: int) -> None:
    """Threads, locks, inputs, checks that end runs, open initial values: as many states, and failures where we find some."""
    rng = random.Random(seed)
    system = random_system(rng, 2)
    properties = tuple(p.name for p in system.properties if p.kind != "cover")
    whole = chosen(system, properties, slice=False)
    ours = _counted(whole.system)
    counted = spin(tmp_path, to_promela(whole), "-c0")
    assert counted.states == ours.states + (ours.starts > 1)
    assert (counted.failures > 0) == bool(ours.failed & set(properties))


@needs_spin
def test_spin_counts_wide_states(tmp_path: Path, root: Path) -> None:
    """A scenario of the tree with numbers of 64 bits, threads and hardware."""
    file = str(root / "models/boards/rx-once.dma")
    for variant, fails in ((None, False), ("no_for_cpu", True)):
        whole = chosen(load(file, variant, {}).system, ("no_stale_read",), slice=False)
        assert max(v.type.bits for v in whole.system.vars) == 64
        ours = _counted(whole.system)
        counted = spin(tmp_path, to_promela(whole), "-c0")
        assert (counted.failures > 0) == fails == bool(ours.failed)
        assert counted.states == ours.states


@needs_spin
def test_spin_meets_signs_widths_and_choices(tmp_path: Path) -> None:
    """Signed numbers, numbers wider than SPIN's, several initial states, and an input."""
    m, w, b, x = var("m", I4), var("w", U40), var("b", BOOL), input_("x", U4)
    few = mk("lt", (w, const((1 << 39) + 9, U40)))
    system = System(
        "mixed",
        (Var("m", I4, -2), Var("w", U40, 1 << 39), Var("b", BOOL, False, any_init=True), Var("n", U4, 0)),
        (
            Action("down", None, None, and_(b, mk("lt", (const(-8, I4), m))), updates={"m": mk("sub", (m, const(3, I4)))}),
            Action("up", None, None, and_(not_(b), few), updates={"w": mk("add", (w, const(5, U40)))}),
            Action("set", None, None, le(x, const(5, U4)), (Input("x", U4, (2, 4, 6)),), updates={"n": x}),
        ),
        always=(Always("p", "p.1", not_(eq(m, const(-5, I4)))),),
    )
    ours = _counted(system)
    assert (ours.starts, ours.failed) == (2, {"p"})
    counted = spin(tmp_path, to_promela(_all(system)), "-c0")
    assert (counted.states, counted.failures > 0) == (ours.states + 1, True)


@needs_spin
def test_spin_ends_a_run_where_a_check_says_so(tmp_path: Path) -> None:
    """Behind a failed check that ends the run there is nothing; behind one that does not, there is."""
    more = {"n": mk("add", (N, ONE))}

    def system(stop: bool) -> System:
        check = Check("p", "p.1", TRUE, not_(eq(N, const(3, U4))), stop=stop)
        return System("s", (Var("n", U4, 0),), (Action("up", None, None, TRUE, (), (check,), more),))

    for stop, states in ((True, 4), (False, 16)):
        counted = spin(tmp_path, to_promela(_all(system(stop))), "-c0")
        assert (counted.states, counted.failures > 0) == (states, True)
        assert _counted(system(stop)).states == states


def test_too_many_choices_are_refused() -> None:
    """A format that lists choices does not list a million."""
    x, huge = Input("x", Int(20)), var("n", Int(70))
    wide = System("s", (Var("n", Int(20), 0),), (Action("a", None, None, inputs=(x,), updates={"n": input_("x", x.type)}),))
    with pytest.raises(NotExportable, match=r"inputs? (of|x of) a"):
        to_promela(_all(wide))
    add = mk("add", (huge, const(1, huge.type)))
    with pytest.raises(NotExportable, match="70 bits"):
        to_promela(_all(System("s", (Var("n", huge.type, 0),), (Action("a", None, None, updates={"n": add}),))))


# -- graphs ---------------------------------------------------------------------------------------------


def _edges(dot: str) -> list[tuple[str, str]]:
    return re.findall(r"^  (\w+) -> (\w+) \[", dot, re.MULTILINE)


def test_dot_has_every_state_and_step(root: Path) -> None:
    """As many nodes as states, as many edges as transitions."""
    whole = chosen(load(str(root / AC), None, {"pages": 4, "slots": 2}).system, ("sound",))
    ours = _counted(whole.system)
    dot = to_dot(whole, 5000)
    assert len(re.findall(r"^  s\d+ \[", dot, re.MULTILINE)) == ours.states
    assert len(_edges(dot)) == ours.transitions
    with pytest.raises(NotExportable, match="more than 100 states"):
        to_dot(whole, 100)


def test_dot_shows_what_fails() -> None:
    """A failing state is red, a failing step too, and one that ends the run leads to a point."""
    check = Check("p", "p.step", TRUE, not_(eq(N, const(2, U4))), stop=True)
    system = System(
        "s",
        (Var("n", U4, 0),),
        (Action("up", None, None, TRUE, (), (check,), {"n": mk("add", (N, ONE))}),),
        always=(Always("p", "p.state", not_(eq(N, ONE))),),
    )
    dot = to_dot(_all(system), 10)
    assert '  s0 [label="", peripheries=2]' in dot
    assert re.search(r's1 \[label="n = 1\\lfails: p.state", color=red\]', dot)
    assert re.search(r's2 -> e2_0 \[label="up\\lfails: p.step", color=red\]', dot)
    assert len(_edges(dot)) == 3
    goes_on = System(system.name, system.vars, (replace(system.actions[0], effects=(replace(check, stop=False),)),))
    dot = to_dot(_all(goes_on), 16)
    assert re.search(r's2 -> s3 \[label="up\\lfails: p.step", color=red\]', dot)
    assert len(_edges(dot)) == 16


# -- the command ----------------------------------------------------------------------------------------


def test_the_command_writes_a_file(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To a file, or to standard output."""
    file, out = str(root / AC), tmp_path / "ac.dot"
    small = ["--set", "pages=2", "--set", "slots=1", "--for", "sound", "--slice", "1"]
    assert run(["export", file, "--to", "dot", *small, "-o", str(out)]) == 0
    assert run(["export", file, "--to", "dot", *small]) == 0
    assert capsys.readouterr().out == out.read_text()
    assert out.read_text().startswith('digraph "ac"')
    binary = tmp_path / "ac.aig"
    assert run(["export", file, "--to", "aiger", *small, "-o", str(binary)]) == 0
    assert binary.read_bytes().startswith(b"aig ")


@pytest.mark.parametrize(
    "more, said",
    [
        (["--to", "dot", "--for", "sund"], "there is no property sund; did you mean sound?"),
        (["--to", "dot", "--for", "sound"], "it has more than 300 states"),
        (["--to", "dot", "--slice", "1"], "slices belong to a property"),
        (["--to", "dot", "--for", "sound", "--slice", "99"], "no slice 99"),
        (["--to", "btor2", "--depth", "3"], "a depth says nothing in btor2"),
    ],
)
def test_what_cannot_be_exported_is_said(root: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    """One clear line and status 2."""
    assert run(["export", str(root / AC), *more]) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_file_is_an_error_of_the_user(tmp_path: Path) -> None:
    """As everywhere."""
    assert run(["export", str(tmp_path / "none.dma"), "--to", "promela"]) == 2


def test_a_property_is_a_slice_of_its_own(root: Path) -> None:
    """``--slice`` picks one of those that engines search, and their sum is what the watched index promises."""
    system = load(str(root / AC), None, {"pages": 4, "slots": 2}).system
    sizes = [_counted(chosen(system, ("sound",), number=n).system).states for n in range(1, 5)]
    assert sum(sizes) == _watched(4, 2)
    with pytest.raises(NotExportable, match="there are 4 slices"):
        chosen(system, ("sound",), number=5)
    with pytest.raises(WrongInput):
        exported(str(root / AC), "promela", prop="nothing")


def _watched(pages: int, slots: int) -> int:
    """States of AC where only one page's line is looked at, over all pages: 5 for a free page, 2 for one that is held."""
    total = 0
    for held in _held(pages, slots):
        taken = sum(size for _, size in filter(None, held))
        total += 5 * (pages - taken) + 2 * taken
    return total


def _held(pages: int, slots: int) -> set[tuple[tuple[int, int] | None, ...]]:
    """What slots may hold under first fit: (start, pages) or None for each."""
    found = {(None,) * slots}
    todo: list[tuple[tuple[int, int] | None, ...]] = list(found)
    for held in todo:
        used = {p for h in held if h for p in range(h[0], h[0] + h[1])}
        for s in range(slots):
            if held[s]:
                after = [(*held[:s], None, *held[s + 1 :])]
            else:
                fits = [(next((a for a in range(0, pages - n + 1, n) if not used & set(range(a, a + n))), -1), n) for n in (1, 2, 4)]
                after = [(*held[:s], (a, n), *held[s + 1 :]) for a, n in fits if a >= 0]
            for h in after:
                if h not in found:
                    found.add(h)
                    todo.append(h)
    return found


def test_the_watched_pages_of_the_large_benchmark() -> None:
    """The figure of the specification for AC(8,4), by counting without an engine."""
    assert _watched(8, 4) == 211_848


