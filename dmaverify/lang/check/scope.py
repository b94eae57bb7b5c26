"""Which names can be seen from where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dmaverify.lang import sem
from dmaverify.lang.builtins import BUILTINS
from dmaverify.lang.program import LinkedModule, Program
from dmaverify.lang.symbols import (
    BuiltinSym,
    EnumCase,
    FlagMember,
    ModuleSym,
    MonitorSym,
    OptionSym,
    Symbol,
    TypeSym,
)

Case = EnumCase | FlagMember


@dataclass(eq=False)
class ModuleScope:
    """The names that one module declares."""

    module: LinkedModule
    symbols: dict[str, Symbol] = field(default_factory=dict)
    cases: dict[str, list[Case]] = field(default_factory=dict)
    """Enum cases and flags by name; one name may belong to several enums."""
    options: dict[str, OptionSym] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The module's name."""
        return self.module.name


class Scopes:
    """All modules of a program, and the names of the language itself."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.modules = {name: ModuleScope(m) for name, m in program.modules.items()}
        self.region = sem.IndexT("Region", kind="region")
        self.device = sem.IndexT("Device", kind="device")
        self.builtin: dict[str, Symbol] = {
            "Region": TypeSym("Region", self.region),
            "Device": TypeSym("Device", self.device),
        }
        for name in BUILTINS:
            self.builtin[name] = BuiltinSym(name)

    @property
    def scenario(self) -> ModuleScope:
        """The scenario's own names."""
        return self.modules[self.program.scope.name]

    def levels(self, where: ModuleScope) -> Iterator[list[ModuleScope]]:
        """The modules whose names can be seen, nearest first."""
        for level in self.program.levels(where.module):
            yield [self.modules[m.name] for m in level]

    def find(self, where: ModuleScope, name: str) -> list[Symbol]:
        """What a name means: nothing, one thing, or several at the same distance. Declarations win over enum
        cases."""
        for level in self.levels(where):
            hits = [m.symbols[name] for m in level if name in m.symbols]
            if hits:
                return hits
            cases: list[Symbol] = [c for m in level for c in m.cases.get(name, ())]
            if cases:
                return cases
        if name in self.builtin:
            return [self.builtin[name]]
        return [s for m in self.modules.values() if isinstance(s := m.symbols.get(name), MonitorSym)]

    def find_option(self, where: ModuleScope, name: str) -> list[OptionSym]:
        """The same for ``option.name``."""
        for level in self.levels(where):
            hits = [m.options[name] for m in level if name in m.options]
            if hits:
                return hits
        return []

    def find_module(self, dotted: str) -> ModuleSym | None:
        """The module of that name, or by the last word of its name."""
        names = [n for n in self.program.aliases if n == dotted or n.rsplit(".", 1)[-1] == dotted]
        roots = {self.program.aliases[n] for n in names}
        if len(roots) == 1:
            root = roots.pop()
            return ModuleSym(root, module=root)
        return None

    def visible_names(self, where: ModuleScope) -> list[str]:
        """Everything that could have been meant."""
        names: dict[str, None] = {}
        for level in self.levels(where):
            for m in level:
                names.update(dict.fromkeys(m.symbols))
                names.update(dict.fromkeys(m.cases))
        names.update(dict.fromkeys(self.builtin))
        return list(names)


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """A sentence that names the nearest of the candidates, if one is near."""
    near = difflib.get_close_matches(name, list(dict.fromkeys(candidates)), n=1, cutoff=0.6)
    return f"Did you mean  {near[0]} ?" if near else None
