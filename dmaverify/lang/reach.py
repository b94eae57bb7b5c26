"""Finds what can be reached and was left open.

A version need not give what nothing calls.  Reachable is whatever can be named from the scenario's threads,
from what hardware and kernel do by themselves, and from monitors, going by names alone: a little too much,
never too little.
"""

from __future__ import annotations

from collections import deque

from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostics
from dmaverify.lang.merge import kind_of
from dmaverify.lang.program import LinkedModule, Program
from dmaverify.lang.tree import walk

_ROOTS = (ast.Spontaneous, ast.Initcall, ast.Monitor, ast.Sequence, ast.Client, ast.Interrupt, ast.VarDecl)
_names: dict[int, tuple[ast.Node, frozenset[str]]] = {}
"""The names in each declaration that was looked at; the declaration is kept so that its id stays its own."""


def names_in(decl: ast.Node) -> frozenset[str]:
    """All names that a declaration's text uses for values and procs."""
    known = _names.get(id(decl))
    if known is None or known[0] is not decl:
        found: set[str] = set()
        for node in walk(decl):
            if isinstance(node, ast.Name | ast.Schedule | ast.TypeName):
                found.add(node.name)
        known = _names[id(decl)] = (decl, frozenset(found))
    return known[1]


def report_open(program: Program, diags: Diagnostics) -> None:
    """Reports each `open` declaration that something reachable names."""
    unknown = {d.name for m in program.modules.values() for d in m.decls.values() if d.is_open}
    if not unknown:
        return
    # From each declaration back to the one that led to it, for the message.
    came: dict[ast.Decl, ast.Decl | None] = {}
    waiting: deque[tuple[LinkedModule, ast.Decl]] = deque()
    for module in program.modules.values():
        for decl in module.decls.values():
            if isinstance(decl, _ROOTS):
                came[decl] = None
                waiting.append((module, decl))
    for cover in program.covers:
        came[cover] = None
        waiting.append((program.scope, cover))
    while waiting:
        module, decl = waiting.popleft()
        own = program.module_of(module.origin.get(decl, module.name)) or module
        where = program.scope if module.origin.get(decl) == program.name else own
        for name in names_in(decl):
            for target_module, target in program.find(where, name):
                if target in came:
                    continue
                came[target] = decl
                if target.is_open:
                    _report(target, target_module, decl, program, diags)
                else:
                    waiting.append((target_module, target))


def _report(
    decl: ast.Decl, module: LinkedModule, caller: ast.Decl, program: Program, diags: Diagnostics
) -> None:
    used = program.uses.get(module.name)
    who = f"{used} does not give it" if used else f"nothing in use amends {module.name}"
    diags.error(
        "DMA038",
        f"`{decl.name}` is open: {who}",
        decl.name_span,
        notes=[(caller.name_span, f"this {kind_of(caller)} needs it")],
        fix=f"Declare  {kind_of(decl)} {decl.name}  in the module that amends it, or use another version.",
    )
