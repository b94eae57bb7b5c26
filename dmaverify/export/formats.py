"""The formats by name; each is a module that is loaded when it is asked for."""

from __future__ import annotations

from dmaverify.export.choose import Exported, NotExportable

FORMATS = {
    "promela": "SPIN",
    "smt2": "SMT solvers: a transition system in VMT, or with a depth a question",
    "btor2": "hardware model checkers",
    "aiger": "hardware model checkers, bit by bit",
    "dot": "Graphviz: the states and steps of a small System",
}


def written(exported: Exported, form: str, *, depth: int | None = None, states: int = 300) -> str | bytes:
    """The text in one of the ``FORMATS``; aiger is binary. ``depth`` is for smt2, ``states`` (a limit) for dot."""
    if depth is not None and form != "smt2":
        raise NotExportable(f"a depth says nothing in {form}")
    if form == "promela":
        from dmaverify.export.promela import to_promela

        return to_promela(exported)
    if form == "smt2":
        from dmaverify.export.smt2 import to_script, to_vmt

        return to_vmt(exported) if depth is None else to_script(exported, depth)
    if form == "btor2":
        from dmaverify.export.btor2 import to_btor2

        return to_btor2(exported)
    if form == "aiger":
        return _aiger(exported)
    from dmaverify.export.dot import to_dot

    return to_dot(exported, states)


def _aiger(exported: Exported) -> bytes:
    from dmaverify.engines.pdr.aiger import to_aiger

    names = list(dict.fromkeys(b.prop for b in exported.bads))
    checks = {c.prop for a in exported.system.actions for c in a.checks} | {w.prop for w in exported.system.always}
    if len(names) > 1:
        raise NotExportable(f"it is for one property (--for): {', '.join(names)}")
    if not names or names[0] not in checks:
        raise NotExportable("it is for properties that something can violate, and there is none")
    return to_aiger(exported.system, names[0])
