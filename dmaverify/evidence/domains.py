"""Which values a binder takes.

Where there is no end of them (all memory, all devices of a kernel) the condition tells which ones matter: the
pieces of a stretch that it names, or those for which a map holds a certain value. What is left over are
values that nothing was ever said about; they are all alike, so one of them stands for all (``UNTOUCHED``),
and most conditions are plainly false of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dmaverify.evidence.evaluate import Env, Evaluator
from dmaverify.evidence.tables import Table
from dmaverify.evidence.values import ABSENT, UNTOUCHED, Stretch, known
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import BlockField, FuncSym, GhostSym, LocalSym, ProcSym, TypeSym, local_key
from dmaverify.lang.tree import walk

Body = ast.Block | ast.Expr | None
"""What is done for each value; of an expression, a condition outside of which nothing follows."""


def bindings(
    evaluator: Evaluator, binders: list[ast.Binder], where: ast.Expr | None, env: Env, body: Body = None
) -> Iterator[tuple[Env, bool]]:
    """The environments in which the binders have values that satisfy ``where``; False: it cannot be told
    whether they do.

    Each environment is ``env`` itself, changed in place: use it before the next one is asked for.
    """
    yield from _bind(evaluator, binders, where, env, body, True)


def _bind(
    evaluator: Evaluator, binders: list[ast.Binder], where: ast.Expr | None, env: Env, body: Body, sure: bool
) -> Iterator[tuple[Env, bool]]:
    if not binders:
        fits = True if where is None else evaluator.value(where, env)
        if fits is ABSENT:
            yield env, False
        elif fits:
            yield env, sure
        return
    first, rest = binders[0], binders[1:]
    for item, certain, settled in _domain(evaluator, first, rest, where, env, body):
        if len(first.names) == 1:
            env[local_key(first, first.names[0])] = item
        else:
            for n, name in enumerate(first.names):
                env[local_key(first, name)] = item[n] if isinstance(item, tuple) else ABSENT
        if settled and not rest:
            yield env, sure and certain
        else:
            yield from _bind(evaluator, rest, where, env, body, sure and certain)


def _domain(
    evaluator: Evaluator,
    binder: ast.Binder,
    rest: list[ast.Binder],
    where: ast.Expr | None,
    env: Env,
    body: Body,
) -> Iterator[tuple[Any, bool, bool]]:
    """Values of one binder, each with whether it surely is one, and whether ``where`` holds of it."""
    free = where is None
    domain = binder.domain
    if domain is not None and not (isinstance(domain, ast.Name) and isinstance(domain.ref, TypeSym)):
        items = evaluator.elements(evaluator.value(domain, env), domain.conv or domain.ty)
        if items is None:
            yield ABSENT, False, free
        else:
            for item in items:
                yield item, True, free
        return
    ty = binder.type.ty if binder.type is not None else binder.ty
    values = evaluator.world.everything(ty)
    if values is not None:
        for item in values:
            yield item, True, free
        return
    conditions = _conditions(evaluator, where, body)
    env[local_key(binder, binder.names[0])] = UNTOUCHED
    search = _Search(evaluator, binder, ty, env, conditions, not rest)
    for item in list(search.found()):
        yield item, True, free or search.by is where


@dataclass
class _Conditions:
    """The parts of the conditions outside of which nothing is done. ``early``: those that need no name bound
    by another part.
    """

    parts: list[ast.Expr]
    early: list[ast.Expr]
    bound: set[object]
    asks: set[object]
    """Ghosts in the conditions (and calls, which may ask for others)."""
    writes: set[object]
    """Ghosts that the body assigns (and calls of procs)."""
    mentions: set[object]
    """Ghosts and calls anywhere in conditions and body."""


def _conditions(evaluator: Evaluator, where: ast.Expr | None, body: Body) -> _Conditions:
    """The parts of ``where``, and of a body that is but one ``if``."""
    note = id(body) if where is None else id(where)
    found: _Conditions | None = evaluator.notes.get(note)
    if found is not None:
        return found
    parts = list(_parts(where)) if where is not None else []
    inner: Any = body
    while isinstance(inner, ast.Block) and len(inner.stmts) == 1:
        inner = inner.stmts[0]
        if not isinstance(inner, ast.If) or inner.orelse is not None:
            break
        parts += _parts(inner.cond)
        inner = inner.then
    if isinstance(body, ast.Expr):
        parts += _parts(body)
    bound = {n.ref for p in parts for n in walk(p) if isinstance(n, ast.PatName)}
    roots: list[ast.Node] = [r for r in (where, body) if r is not None]
    found = evaluator.notes[note] = _Conditions(
        parts,
        [p for p in parts if not _mentions(p, bound)],
        bound,
        _ghosts(parts),
        _ghosts(_targets(roots)),
        _ghosts(roots),
    )
    return found


def _ghosts(roots: Sequence[ast.Node]) -> set[object]:
    refs = (getattr(n, "ref", None) for root in roots for n in walk(root))
    return {r for r in refs if isinstance(r, FuncSym | ProcSym | GhostSym)}


def _targets(roots: Sequence[ast.Node]) -> list[ast.Node]:
    """What is assigned to, and calls that may assign."""
    found: list[ast.Node] = []
    for n in (n for root in roots for n in walk(root)):
        if isinstance(n, ast.Assign):
            found += [t.base if isinstance(t, ast.Index) else t for t in n.targets]
        elif isinstance(n, ast.OpAssign):
            found.append(n.target.base if isinstance(n.target, ast.Index) else n.target)
        elif isinstance(n, ast.CallStmt):
            found.append(n.call)
    return found


def _mentions(e: ast.Expr, locals_: set[object]) -> bool:
    return any(isinstance(n, ast.Name) and n.ref in locals_ for n in walk(e))


def _parts(e: ast.Expr) -> Iterator[ast.Expr]:
    if isinstance(e, ast.Binary) and e.op == "and":
        yield from _parts(e.left)
        yield from _parts(e.right)
    else:
        yield e


@dataclass
class _Search:
    """Looks for the values of one binder over an index without end."""

    evaluator: Evaluator
    binder: ast.Binder
    ty: sem.SemType
    env: Env
    conditions: _Conditions
    last: bool
    """Whether all other binders have their values."""
    by: ast.Expr | None = None
    """The condition on their address that the values that were found satisfy, all of them and no other."""

    def found(self) -> Iterator[Any]:
        """The values that matter, UNTOUCHED among them if the untouched ones do."""
        for condition in self.conditions.early if self.last else ():
            pieces = self._by_place(condition)
            if pieces is not None and pieces is not ABSENT:
                self.by = condition
                yield from pieces
                return
        # cells whose number lies in a stretch are fewer than those that hold one value
        early = sorted(self.conditions.early, key=lambda e: not isinstance(e, ast.IsPattern))
        for condition in early if self.last else ():
            keys = self._by_cell(condition)
            if keys is not None:
                yield from keys
                return
        yield from self._touched()
        yield UNTOUCHED

    # -- by address

    def _by_place(self, e: ast.Expr) -> Any:
        """The pieces that can satisfy a condition on their address; None: it is no such condition."""
        if not isinstance(e, ast.Binary):
            return None
        if e.op == "==":
            for one, other in ((e.left, e.right), (e.right, e.left)):
                if self._is_binder(one):
                    return self._one(self.evaluator.value(other, self.env))
                if self._is_start(one):
                    at = self.evaluator.value(other, self.env)
                    return self._between(at, at + 1) if type(at) is int else ABSENT
            return None
        if e.op != "in":
            return None
        if self._is_binder(e.left):
            return self.evaluator.elements(self.evaluator.value(e.right, self.env), e.right.conv or e.right.ty)
        if self._is_start(e.left):
            span = self.evaluator.value(e.right, self.env)
            return self._between(span.lo, span.hi) if isinstance(span, Stretch) else ABSENT
        if isinstance(e.right, ast.Range) and e.right.op == "+.." and self._is_start(e.right.lo):
            at, size = self.evaluator.value(e.left, self.env), self.evaluator.value(e.right.hi, self.env)
            return self._between(at - size + 1, at + 1) if type(at) is int and type(size) is int else ABSENT
        return None

    def _one(self, value: Any) -> Any:
        return ABSENT if not known(value) else () if value is None else (value,)

    def _between(self, lo: int, hi: int) -> Any:
        assert isinstance(self.ty, sem.IndexT)
        return self.evaluator.world.between(self.ty, max(lo, 0), max(hi, 0))

    def _is_binder(self, e: ast.Expr) -> bool:
        return isinstance(e, ast.Name) and isinstance(e.ref, LocalSym) and self._key() == self.evaluator.key(e.ref)

    def _is_start(self, e: ast.Expr) -> bool:
        return (
            isinstance(e, ast.Field)
            and isinstance(e.ref, BlockField)
            and e.ref.kind == "start"
            and isinstance(self.ty, sem.IndexT)
            and self.ty.kind == "blocks"
            and self._is_binder(e.base)
        )

    def _key(self) -> tuple[int, str]:
        return local_key(self.binder, self.binder.names[0])

    # -- by what a map holds

    def _by_cell(self, e: ast.Expr) -> list[Any] | None:
        """The values for which a map's cell satisfies the condition; None if that is no such condition."""
        target = e.base if isinstance(e, ast.IsPattern) else e
        wanted: Any = ABSENT
        if isinstance(e, ast.Binary) and e.op in ("==", "!="):
            target, other = (e.left, e.right) if self._cell(e.left) is not None else (e.right, e.left)
            if e.op == "==":
                wanted = self.evaluator.value(other, self.env) if self._cell(target) is not None else ABSENT
        cell = self._cell(target)
        if cell is None:
            return None
        table, place, fixed = cell
        outside = self._of_untouched(e)
        if outside is not False and not self._alone(target, outside):
            return None  # other maps may know values that this one does not
        keys: Any = None
        if known(wanted) and not isinstance(wanted, tuple):
            keys = table.keys_with(wanted)
        elif isinstance(e, ast.IsPattern):
            keys = self._in_range(e, table)
        if keys is None:
            keys = next((table.keys_of(p, v) for p, v in fixed.items()), table.cells)
        found = list(dict.fromkeys(k[place] for k in keys if all(k[p] == v for p, v in fixed.items())))
        if wanted is not ABSENT:
            # a cell that is known to exist and whose value is not known may hold what is wanted
            found += [k[place] for k in table.keys_with(ABSENT) if all(k[p] == v for p, v in fixed.items())]
        return found if outside is False else [*found, UNTOUCHED]

    def _cell(self, e: ast.Expr) -> tuple[Table, int, dict[int, Any]] | None:
        """``map[…, x, …]`` for the binder's x: the table, the place of x, and the other parts of the key."""
        if not isinstance(e, ast.Index):
            return None
        places = [n for n, i in enumerate(e.indexes) if self._is_binder(i)]
        base = e.base
        if len(places) != 1 or not isinstance(getattr(base, "ref", None), GhostSym):
            return None
        table = self.evaluator.value(base, self.env)
        others = {n: self.evaluator.value(i, self.env) for n, i in enumerate(e.indexes) if n != places[0]}
        if not isinstance(table, Table) or not all(map(known, others.values())):
            return None
        return table, places[0], others

    def _of_untouched(self, e: ast.Expr) -> Any:
        """Whether the condition holds of a value that the map has no cell for."""
        return self.evaluator.value(e, self.env)

    def _alone(self, target: ast.Expr, outside: Any) -> bool:
        """Whether one that has no cell in this map may stand for all such, whatever other maps know."""
        ghost = getattr(target.base, "ref", None) if isinstance(target, ast.Index) else None
        if not self.conditions.asks <= {ghost}:
            return False
        # where the condition is undecided nothing is done, but what might have been written is unknown
        return (self.conditions.writes if outside is ABSENT else self.conditions.mentions) <= {ghost}

    def _in_range(self, e: ast.IsPattern, table: Table) -> Any:
        """For ``map[x] is m and m in a..b``: the cells with a number in that stretch."""
        if not isinstance(e.pattern, ast.PatName) or not isinstance(e.pattern.ref, LocalSym):
            return None
        for other in self.conditions.parts:
            if not isinstance(other, ast.Binary) or other.op != "in" or _mentions(other.right, self.conditions.bound):
                continue
            if isinstance(other.left, ast.Name) and other.left.ref is e.pattern.ref:
                span = self.evaluator.value(other.right, self.env)
                if isinstance(span, Stretch):
                    return [*table.keys_between(span.lo, span.hi), *table.keys_with(ABSENT)]
        return None

    def _touched(self) -> list[Any]:
        """All values that some map has a cell for."""
        found: set[Any] = set()
        for ghost, held in self.evaluator.ghosts.items():
            if isinstance(held, Table) and isinstance(ghost.ty, sem.MapT):
                for place, key_type in enumerate(ghost.ty.keys):
                    if key_type == self.ty:
                        found.update(key[place] for key in held.cells)
        return self.evaluator.in_order(found, self.ty)
