"""What checking one body knows: where it stands, its locals, and what has been found out about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from dmaverify.lang import ast, sem
from dmaverify.lang.check.scope import ModuleScope, suggest
from dmaverify.lang.diag import source_line
from dmaverify.lang.symbols import LocalKind, LocalSym, MonitorSym, ProcSym, Symbol, ThreadSym
from dmaverify.span import Span

if TYPE_CHECKING:
    from dmaverify.lang.check.checker import Checker


class Mode(Enum):
    """What a body may do."""

    CONST = "a constant"
    PURE = "a func"
    STEPS = "a proc"
    HANDLER = "an event clause"
    CLAUSE = "a model clause"
    HELPER = "a monitor's own proc"


Key = tuple[object, ...]
"""A path such as ``dma_mem[dev]``, comparable; see ``path_key``."""


@dataclass
class Why:
    """What asks for a type, and where that is said: shown with a mismatch."""

    text: str
    span: Span | None = None


@dataclass
class Flow:
    """What is known at a point of a body.

    ``facts``: paths that are not null. ``unset``: locals that may be without a value, ``void``: that are on
    every path.
    ``live``: whether the point is reached at all.
    """

    facts: frozenset[Key] = frozenset()
    unset: frozenset[LocalSym] = frozenset()
    void: frozenset[LocalSym] = frozenset()
    live: bool = True

    @staticmethod
    def join(flows: Iterable[Flow]) -> Flow:
        """Where several paths meet."""
        alive = [f for f in flows if f.live]
        if not alive:
            return Flow(live=False)
        return Flow(
            frozenset.intersection(*(f.facts for f in alive)),
            frozenset.union(*(f.unset for f in alive)),
            frozenset.intersection(*(f.void for f in alive)),
        )

    def copy(self) -> Flow:
        """The same, apart."""
        return Flow(self.facts, self.unset, self.void, self.live)


@dataclass
class Truth:
    """What a condition says when it is true and when it is false: paths that are not null, and names that
    ``is`` binds."""

    yes: frozenset[Key] = frozenset()
    no: frozenset[Key] = frozenset()
    binds: list[LocalSym] = field(default_factory=list)


class Body:
    """The state of checking one body; the rules are in the classes that extend it."""

    def __init__(
        self,
        checker: Checker,
        scope: ModuleScope,
        mode: Mode,
        owner: Symbol | None,
        *,
        monitor: MonitorSym | None = None,
        thread: ThreadSym | None = None,
        result: sem.SemType = sem.VOID,
        contract: bool = False,
    ) -> None:
        self.checker = checker
        self.scope = scope
        self.mode = mode
        self.owner = owner
        self.monitor = monitor
        self.thread = thread
        self.result = result
        self.contract = contract
        self.frames: list[dict[str, LocalSym]] = [{}]
        self.flow = Flow()
        self.maybe_unset: set[LocalSym] = set()
        """Locals that the text itself leaves ``uninitialised``: reading one is found out by running."""

    # -- saying what is wrong
    # -------------------------------------------------------------------------------------

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        label: str = "",
        notes: Iterable[tuple[Span | None, str]] = (),
        fix: str | None = None,
    ) -> sem.ErrorT:
        """Reports, and returns the type that takes part in no further error."""
        self.checker.diags.error(code, message, span, label=label, notes=notes, fix=fix)
        return sem.ERROR

    # -- locals
    # ---------------------------------------------------------------------------------------------------

    @contextmanager
    def block(self) -> Iterator[None]:
        """A block: what is introduced in it ends with it."""
        self.frames.append({})
        try:
            yield
        finally:
            self.frames.pop()

    def introduce(self, name: str, ty: sem.SemType, node: ast.Node, span: Span, kind: LocalKind) -> LocalSym:
        """A new local. The same name again in the same block is an error; in an inner block it hides the
        outer one."""
        sym = LocalSym(name, ty, span, self.scope.name, node, kind=kind)
        self.bind(sym)
        return sym

    def bind(self, sym: LocalSym) -> None:
        """Makes a local visible from here on."""
        before = self.frames[-1].get(sym.name)
        if before is not None and sym.name != "_":
            self.error(
                "DMA052",
                f"{sym.name} is there already",
                sym.span,
                notes=[(before.span, "introduced here")],
                fix="Assign to it without  let , or give this one another name.",
            )
        self.frames[-1][sym.name] = sym

    def local(self, name: str) -> LocalSym | None:
        """The local of that name, if there is one."""
        for frame in reversed(self.frames):
            if name in frame:
                return frame[name]
        return None

    def local_names(self) -> list[str]:
        """All names of locals that can be seen."""
        return [n for frame in self.frames for n in frame]

    # -- names
    # ----------------------------------------------------------------------------------------------------

    def find(self, name: str, span: Span, what: str = "name") -> Symbol | None:
        """The symbol that a name means, not counting locals; reports when there is none or more than one."""
        hits = self.checker.scopes.find(self.scope, name)
        if not hits and span.file == self.checker.scenario_file:
            hits = self.checker.scopes.find(
                self.checker.scopes.scenario, name
            )  # a step that a scenario puts into a proc
        if self.monitor is not None:
            own = self.monitor_part(name)
            if own is not None:
                hits = [own]
        if not hits:
            self.unknown(name, span, what)
            return None
        if len(hits) > 1:
            places = " and ".join(
                dict.fromkeys(str(h.ty) if h.what in ("enum case", "flag") else h.module for h in hits)
            )
            self.error(
                "DMA051",
                f"{name} means something in each of {places}",
                span,
                notes=[(h.span, "here") for h in hits],
            )
            return None
        self.checker.use(hits[0], span, self.owner)
        return hits[0]

    def monitor_part(self, name: str) -> Symbol | None:
        """A ghost, func or proc of the monitor that this body belongs to."""
        m = self.monitor
        if m is None:
            return None
        return m.ghosts.get(name) or m.funcs.get(name) or m.procs.get(name)

    def unknown(self, name: str, span: Span, what: str = "name") -> sem.ErrorT:
        """Nothing is called so; once for each name and body is enough."""
        names = [*self.local_names(), *self.checker.scopes.visible_names(self.scope)]
        if self.monitor is not None:
            names += [*self.monitor.ghosts, *self.monitor.funcs, *self.monitor.procs]
        fix = suggest(name, names) or self._elsewhere(name)
        return self.error("DMA050", f"there is no {what} {name} here", span, fix=fix)

    def _elsewhere(self, name: str) -> str | None:
        for m in self.checker.scopes.modules.values():
            if name in m.symbols or name in m.cases:
                return f"{m.name} has one: write  import {m.name}"
        return None

    @property
    def proc(self) -> ProcSym | None:
        """The proc whose body this is."""
        return self.owner if isinstance(self.owner, ProcSym) else None


def text_of(e: ast.Node) -> str:
    """The expression as it is written, if it stands on one line; else an ellipsis."""
    if e.span.line != e.span.end_line:
        return "…"
    return source_line(e.span)[e.span.column - 1 : e.span.end_column - 1] or "…"


def path_key(e: ast.Expr) -> Key | None:
    """Two expressions with equal keys have one value as long as nothing is assigned in between."""
    if isinstance(e, ast.Name):
        return ("name", e.ref) if isinstance(e.ref, Symbol) else None
    if isinstance(e, ast.IntLit | ast.BoolLit):
        return ("literal", e.value)
    if isinstance(e, ast.Field):
        base = path_key(e.base)
        if base is None:
            return ("name", e.ref) if isinstance(e.ref, Symbol) else None
        return ("field", base, e.name)
    if isinstance(e, ast.Index):
        parts = [path_key(e.base), *(path_key(i) for i in e.indexes)]
        return None if any(p is None for p in parts) else ("index", *parts)
    return None


def mentions(key: Key, sym: object) -> bool:
    """Whether a path reads the symbol."""
    return any(part is sym or (isinstance(part, tuple) and mentions(part, sym)) for part in key)


def every(results: list[bool]) -> bool:
    """Whether all are true. A list, since each check is to be made whatever the others say."""
    return all(results)


def plain(t: sem.SemType) -> str:
    """A type with its article."""
    text = str(t)
    return f"{'an' if text[:1] in 'aeioAEIO' else 'a'} {text}"
