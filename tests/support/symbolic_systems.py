"""Core Systems written by hand for the symbolic engines: pools as bit masks, counters, threads with a lock, frozen parameters."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, input_, ite, le, lt, mk, ne, not_, or_, var
from dmaverify.ir.system import Action, Always, Check, Cover, Input, Kind, Part, Property, Reached, System, Thread, Var
from dmaverify.ir.types import BOOL, Int

U8 = Int(8)
PC = Int(3)


def step(name: str, **rest: object) -> Action:
    """A step of nobody's, which stands for itself in the reference System."""
    inputs = rest.get("inputs", ())
    assert isinstance(inputs, tuple)
    bindings = tuple((i.name, input_(i.name, i.type)) for i in inputs)
    return Action(name, None, None, parts=(Part(name, TRUE, bindings),), **rest)  # type: ignore[arg-type]


def pool(pages: int, slots: int, *, broken: bool = False, lemma: bool = False) -> System:
    """First-fit allocation of one, two or four aligned pages: a mask of used pages, and one of pages for each slot.

    ``broken``: the last page is never marked as used. ``lemma``: what slots hold is marked.
    """
    t = Int(pages)
    zero, used = const(0, t), var("used", t)
    slot = [var(f"slot{k}", t) for k in range(slots)]
    actions = []
    for k in range(slots):
        for order in range(3):
            size = 1 << order
            blocks = [const(((1 << size) - 1) << at, t) for at in range(0, pages - size + 1, size)]
            free = [eq(mk("band", (used, b)), zero) for b in blocks]
            first: Expr = zero
            for block, condition in reversed(list(zip(blocks, free, strict=True))):
                first = ite(condition, block, first)
            marked = mk("bor", (used, first))
            if broken:
                marked = mk("band", (marked, const((1 << (pages - 1)) - 1, t)))
            guard = and_(eq(slot[k], zero), or_(*free))
            actions.append(step(f"alloc{k}.{order}", guard=guard, updates={"used": marked, f"slot{k}": first}))
        rest = mk("band", (used, mk("bnot", (slot[k],))))
        actions.append(step(f"free{k}", guard=ne(slot[k], zero), updates={"used": rest, f"slot{k}": zero}))
    always = [
        Always("no_overlap", f"apart{i}{j}", eq(mk("band", (slot[i], slot[j])), zero), ne(slot[i], zero))
        for i in range(slots)
        for j in range(i)
    ]
    properties = [Property("no_overlap", "T100", "monitor")]
    if lemma:
        always += [Always("marked", f"marked{k}", eq(mk("band", (slot[k], mk("bnot", (used,)))), zero)) for k in range(slots)]
        properties.append(Property("marked", "T101", "lemma"))
    variables = (Var("used", t, 0), *(Var(f"slot{k}", t, 0) for k in range(slots)))
    return System("pool", variables, tuple(actions), properties=tuple(properties), always=tuple(always))


def counter(limit: int, step_by: int = 1, *, weight: int = 1) -> System:
    """Counts up by an input of 0..step_by; asserts that it stays below ``limit``; passes a cover at ``limit - 1``."""
    n, by = var("n", U8), input_("by", U8)
    more = mk("add", (n, by))
    action = Action(
        "count",
        None,
        None,
        guard=lt(n, const(limit, U8)),
        inputs=(Input("by", U8, tuple(range(step_by + 1))),),
        effects=(
            Check("below", "below.1", TRUE, lt(more, const(limit, U8))),
            Reached("below.last", eq(more, const(limit - 1, U8))),
        ),
        updates={"n": more},
        weight=const(weight, Int(32)),
        parts=(Part("count", TRUE, (("by", by),), weight),),
    )
    return System(
        "counter",
        (Var("n", U8, 0),),
        (action,),
        properties=(Property("below", "T102", "monitor"),),
        covers=(Cover("below.never", eq(n, const(255, U8))),),
    )


def locked(correct: bool = True) -> System:
    """Two threads that add to a shared number in two steps, under a lock or (if not ``correct``) without one."""
    lock, shared = var("lock", BOOL), var("shared", U8)
    actions, threads, variables = [], [], [Var("lock", BOOL, False), Var("shared", U8, 0)]
    for t in ("a", "b"):
        pc, mine = f"{t}.pc", var(f"{t}.mine", U8)
        variables += [Var(pc, PC, 0, Kind.PC, t), Var(f"{t}.mine", U8, 0, Kind.LOCAL, t)]
        threads.append(Thread(t, pc, f"cpu {t}", ends=frozenset({3})))

        def act(at: int, name: str, thread: str = t, **rest: object) -> Action:
            full = f"{thread}.{name}"
            return Action(full, thread, at, parts=(Part(full, TRUE),), **rest)  # type: ignore[arg-type]

        read = {f"{t}.mine": shared, pc: const(1, PC)} | ({"lock": TRUE} if correct else {})
        actions.append(act(0, "read", guard=not_(lock) if correct else TRUE, updates=read))
        same = Check("atomic", f"atomic.{t}", TRUE, eq(shared, mine))
        write = {"shared": mk("add", (mine, const(1, U8))), f"{t}.mine": const(0, U8), pc: const(2, PC)}
        actions.append(act(1, "write", effects=(same,), updates=write))
        actions.append(act(2, "leave", updates={pc: const(3, PC)} | ({"lock": FALSE} if correct else {})))
    return System(
        "locked",
        tuple(variables),
        tuple(actions),
        tuple(threads),
        (Property("atomic", "T103", "scenario"),),
    )


def frozen(width: int = 64, *, bounded: bool = True) -> System:
    """A parameter ``size`` of many values, and an offset that moves up to it; the last byte must not wrap around.

    ``bounded``: the parameter is at most half of its type's range, as an assumption; else the claim is false.
    """
    t = Int(width)
    size, at = var("size", t), var("at", t)
    last = mk("add", (at, const(7, t)))
    move = step(
        "move",
        guard=lt(at, size),
        effects=(Check("fits", "fits.1", TRUE, le(at, last)),),
        updates={"at": mk("add", (at, const(1, t)))},
    )
    half = const(1 << (width - 1), t)
    return System(
        "frozen",
        (Var("size", t, None, Kind.PARAM, any_init=True), Var("at", t, 0)),
        (move,),
        properties=(Property("fits", "T104", "builtin"),),
        assumptions=(le(size, half),) if bounded else (),
    )
