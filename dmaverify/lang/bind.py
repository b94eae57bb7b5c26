"""Which amending module is in force for which root.

`use M` puts M in the place of the module that it amends, wherever that is imported.  What a scenario or
variant uses itself goes before what the modules that it uses use in turn; a variant goes before what it
varies.  Two for one root, neither of which amends the other, are an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostics
from dmaverify.lang.library import Library
from dmaverify.span import Span


@dataclass(slots=True, eq=False)
class _Bound:
    """A module in force, the place that says so, and how much that place weighs."""

    module: ast.Module
    span: Span
    weight: tuple[int, int]


class Binding:
    """The modules in force for one program, and the roots that are reached."""

    def __init__(self, library: Library, diags: Diagnostics) -> None:
        self._library = library
        self._diags = diags
        self._bound: dict[str, _Bound] = {}
        self.plain: list[str] = []
        """Modules that are used and amend nothing: a platform that only names others."""

    def chain(self, root: str) -> list[ast.Module]:
        """The files that make up a root, its own first."""
        bound = self._bound.get(root)
        return self._library.chain(bound.module if bound else self._library.modules[root])

    def root(self, name: str) -> str | None:
        """The root of a module; None if it could not be read."""
        module = self._library.modules.get(name)
        return None if module is None else self._library.chain(module)[0].name

    @property
    def uses(self) -> dict[str, str]:
        """Root to the module in force, where that is another one."""
        return {root: b.module.name for root, b in self._bound.items() if b.module.name != root}

    # --------------------------------------------------------------------------------------------------------
    # ----

    def bind(self, layers: list[list[ast.Use]]) -> None:
        """Binds what a scenario (the first layer) and its variants use."""
        direct = self._direct(layers)
        for level, use in direct:
            self._take(use, (level, 1))
        waiting = [(use, level) for level, use in direct]
        waiting.sort(key=lambda w: -w[1])
        done: set[str] = set()
        while waiting:
            use, level = waiting.pop(0)
            module = self._library.modules.get(use.module.text)
            if module is None or not self._in_force(module) or module.name in done:
                continue
            done.add(module.name)
            for part in self._library.chain(module):
                for inner in part.items:
                    if isinstance(inner, ast.Use):
                        self._take(inner, (level, 0))
                        waiting.append((inner, level))

    def bind_import(self, item: ast.Import | ast.Use) -> bool:
        """An import of a module that amends puts it in force as well; True if that changed something."""
        module = self._library.modules.get(item.module.text)
        if module is None or module.amends is None:
            return False
        return self._take(item, (-1, 0))

    def _in_force(self, module: ast.Module) -> bool:
        bound = self._bound.get(self._library.chain(module)[0].name)
        return bound is None or module in self._library.chain(bound.module)

    def _direct(self, layers: list[list[ast.Use]]) -> list[tuple[int, ast.Use]]:
        """What is used directly, without what a later layer takes the place of."""
        kept: list[tuple[int, ast.Use]] = []
        for level, uses in enumerate(layers):
            roots = {self.root(u.module.text) for u in uses if self._amends(u)}
            reach = set[str]().union(*(self._roots(u.module.text) for u in uses if not self._amends(u)))
            kept = [
                (older, use)
                for older, use in kept
                if not (
                    self.root(use.module.text) in roots
                    if self._amends(use)
                    else self._roots(use.module.text) & reach
                )
                and not (self._amends(use) and self.root(use.module.text) in reach)
            ]
            kept += [(level, use) for use in uses]
        return kept

    def _amends(self, use: ast.Use) -> bool:
        module = self._library.modules.get(use.module.text)
        return module is not None and module.amends is not None

    def _roots(self, name: str) -> set[str]:
        """The roots that a used module binds, by itself and through what it uses."""
        found: set[str] = set()
        waiting, seen = [name], set[str]()
        while waiting:
            name = waiting.pop()
            module = self._library.modules.get(name)
            if module is None or name in seen:
                continue
            seen.add(name)
            chain = self._library.chain(module)
            if len(chain) > 1:
                found.add(chain[0].name)
            waiting += [i.module.text for part in chain for i in part.items if isinstance(i, ast.Use)]
        return found

    def _take(self, item: ast.Use | ast.Import, weight: tuple[int, int]) -> bool:
        module = self._library.modules.get(item.module.text)
        if module is None:
            return False
        chain = self._library.chain(module)
        if len(chain) == 1:
            if isinstance(item, ast.Use) and module.name not in self.plain:
                self.plain.append(module.name)
            return False
        root = chain[0].name
        bound = self._bound.get(root)
        if bound is None or (bound.module in chain and bound.module is not module):
            self._bound[root] = _Bound(module, item.span, weight)
            return True
        if module in self._library.chain(bound.module) or weight < bound.weight:
            return False
        if weight > bound.weight:
            self._bound[root] = _Bound(module, item.span, weight)
            return True
        self._diags.error(
            "DMA033",
            f"{module.name} and {bound.module.name} both take the place of {root}",
            item.module.span,
            notes=[(bound.span, "the other one")],
            fix="One of them has to go, or one has to amend the other.",
        )
        return False
