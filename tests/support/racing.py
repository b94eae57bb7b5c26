"""A small System for tests of reports: two CPUs claim pages without a lock, so both may get the same one."""

from __future__ import annotations

from dmaverify.ir.expr import TRUE, Expr, const, eq, input_, mk, not_, null, select, some, store, var
from dmaverify.ir.system import Action, Check, Emit, Frame, Input, Kind, Property, System, Thread, Var
from dmaverify.ir.types import Index, Int, Map, Mask, Opt, Range
from dmaverify.span import Span
from dmaverify.verdict import Step, Trace

PAGE = Index("Page", 2, ("page 0 of pool", "page 1 of pool"))
WHO = Index("Cpu", 2, ("cpu0", "cpu1"))
PC = Range(0, 2)
U32 = Int(32)


def _at(line: int) -> Span:
    return Span("pool.dma", line, 5, line, 25)


def _thread(n: int) -> tuple[Var, Var, Thread, tuple[Action, ...]]:
    name = f"t{n}"
    pc, page = Var(f"{name}.pc", PC, 0, Kind.PC, name), Var(f"{name}.page", Opt(PAGE), None, Kind.LOCAL, name)
    used, owner = var("used", Mask(PAGE)), var("owner", Map(PAGE, Opt(WHO)))
    chosen: Expr = input_("p", PAGE)
    mine = mk("get", (var(page.name, Opt(PAGE)),))
    frame = (Frame("claim", _at(3)),)

    def const_pc(k: int) -> Expr:
        return const(k, PC)

    find = Action(
        f"{name}.find",
        name,
        0,
        guard=not_(mk("member", (used, chosen))),
        inputs=(Input("p", PAGE),),
        updates={page.name: some(chosen), pc.name: const_pc(1)},
        weight=const(1, U32),
        text="page = first_clear(used)",
        actor=f"cpu{n}",
        stack=frame,
        span=_at(10),
    )
    take = Action(
        f"{name}.take",
        name,
        1,
        effects=(
            Check(
                "no_overlap",
                "no_overlap.1",
                TRUE,
                eq(select(owner, mine), null(WHO)),
                (mine, " is given out again; ", select(owner, mine), " has it"),
                _at(31),
            ),
            Emit("taken", (("what", mine),)),
        ),
        updates={
            "used": mk("insert", (used, mine)),
            "owner": store(owner, mine, some(const(n, WHO))),
            pc.name: const_pc(2),
            page.name: null(PAGE),
        },
        weight=const(1, U32),
        text="used = used + page",
        actor=f"cpu{n}",
        stack=frame,
        span=_at(11),
    )
    thread = Thread(name, pc.name, f"cpu{n}", ends=frozenset({2}))
    return pc, page, thread, (find, take)


def system() -> System:
    """The System; its property is violated in four steps."""
    parts = [_thread(0), _thread(1)]
    return System(
        "racing",
        vars=(
            Var("used", Mask(PAGE), 0),
            Var("owner", Map(PAGE, Opt(WHO)), (None, None), Kind.GHOST, "no_overlap"),
            *(v for p in parts for v in p[:2]),
        ),
        actions=tuple(a for p in parts for a in p[3]),
        threads=tuple(p[2] for p in parts),
        properties=(Property("no_overlap", "DMA101", "monitor", "no page twice", span=_at(30)),),
        notes=("pages of 4K",),
    )


def trace() -> Trace:
    """Both look before either takes."""
    steps = (
        Step("t0.find", (("p", 1),)),
        Step("t1.find", (("p", 1),)),
        Step("t0.take"),
        Step("t1.take"),
    )
    return Trace((), steps, "no_overlap", "no_overlap.1", 4, True, True)
