"""What linking yields: one scenario, or one variant of it, with the modules that it stands on.

A `Program` is what the type checker and the lowerer consume.

* `modules` maps a *root* name (the module that nobody's `amends` points away from,
  `linux.drivers.base.dma_coherent`) to its `LinkedModule`, imports before importers.  A module that amends is
  no entry of its own: its declarations are merged into its root's, and `module_of(name)` finds the root for
  any of its names.
* The scenario's own declarations (var, func, enum …) are the `LinkedModule` under `program.scope`, the last
  one.
* Declarations are the parser's nodes.  Only an amended signature is completed in a copy (parameter and result
  types come from what it amends), and a `replace step` or `drop` copies the path down to the step.
  Everything else is *shared by all Programs of one process*: the annotations `ty` and `ref` are those of the
  last check, so check and lower one Program before the next is checked.
* A name in module M means, in this order: M's own declaration; one of a module that M imports; one of a
  module that those import, and so on (`Program.find`).  Two at the same distance are ambiguous, which the
  checker reports where it matters.
* Options have a name space of their own (`option.outer`), as have lemmas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostic


@dataclass(slots=True, eq=False)
class LinkedModule:
    """A root module with what amends it merged in."""

    name: str
    parts: list[ast.Module | ast.Scenario]
    """The files that it comes from: the root's first, then the amending ones, nearest to the root first."""
    imports: list[str] = field(default_factory=list)
    """Root names of the modules whose declarations can be used here, in the order in which they are written.
    """
    decls: dict[str, ast.Decl] = field(default_factory=dict)
    """Const, TypeDecl, EnumDecl, FlagsDecl, BitsDecl, RecordDecl, ObjectDecl, IndexDecl, VarDecl, EventDecl,
    FuncDecl, ProcDecl, Spontaneous, Monitor, Initcall, Work, Timer; in a scenario also ParamDecl, Region,
    Place, Device, Sequence, Client and Interrupt.  In the order in which the base declares them, additions
    after it."""
    options: dict[str, ast.OptionDecl] = field(default_factory=dict)
    lemmas: dict[str, ast.Lemma] = field(default_factory=dict)
    covers: list[ast.Cover] = field(default_factory=list)
    ensures: list[ast.Ensures] = field(default_factory=list)
    requires: list[ast.Require] = field(default_factory=list)
    origin: dict[ast.Decl, str] = field(default_factory=dict)
    """The module (or scenario) in whose file a declaration stands. Where that is the scenario and the
    declaration takes the place of a module's, names in its body are looked up in the scenario."""


@dataclass(slots=True, eq=False)
class Expectations:
    """The `expect` lines of a scenario and its variant, the variant's winning property by property."""

    by_subject: dict[str, ast.Expectation] = field(default_factory=dict)
    """Keyed by the text of the property (`bound(clcd, vram)`), or `cover ` and the text of the cover's
    expression.
    """
    default: ast.Expectation | None = None
    """`all hold`, `others hold`: for every property that is checked and not a key above."""


@dataclass(slots=True, eq=False)
class Checks:
    """What is to be checked.

    `only`: just `props`.  Otherwise every monitor without parameters, and `props` (with their arguments) as
    well.
    """

    only: bool = False
    props: list[ast.PropRef] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Program:
    """One scenario (or a module by itself, then `scenario` is None) with one variant's amendments."""

    name: str
    """The scenario's or module's name."""
    variant: str | None
    """The variant's name, `no_flush` or `no_flush@v6_1`; None for the scenario as it stands."""
    title: str | None
    """The variant's title where there is one, else the scenario's."""
    scenario: ast.Scenario | None
    path: str
    modules: dict[str, LinkedModule]
    scope: LinkedModule
    """The scenario's own declarations (also the last of `modules`)."""
    aliases: dict[str, str]
    """Every module name that was loaded, to the root's name that it is merged into."""
    uses: dict[str, str]
    """Root name to the module that is in use for it, where that is another one."""
    hardware: list[ast.Setting] = field(default_factory=list)
    """Merged by name, the last one said wins; blocks are merged too."""
    option_sets: dict[str, ast.OptionSet] = field(default_factory=dict)
    """`option NAME VALUE`, keyed by the name as it is written."""
    regions: dict[str, ast.Region] = field(default_factory=dict)
    places: dict[str, ast.Place] = field(default_factory=dict)
    devices: dict[str, ast.Device] = field(default_factory=dict)
    params: dict[str, ast.ParamDecl] = field(default_factory=dict)
    threads: dict[str, ast.Sequence | ast.Client | ast.Interrupt] = field(default_factory=dict)
    """In the order of the file; `after` is what `start … after …` made of it."""
    faults: list[ast.Faults] = field(default_factory=list)
    checks: Checks = field(default_factory=Checks)
    expects: Expectations = field(default_factory=Expectations)
    covers: list[ast.Cover] = field(default_factory=list)
    """The scenario's; those of modules and monitors stay where they are."""
    warnings: list[Diagnostic] = field(default_factory=list)

    def module_of(self, name: str) -> LinkedModule | None:
        """The module of that name, or the root that it is merged into."""
        return self.modules.get(self.aliases.get(name, name))

    def find(self, where: LinkedModule, name: str) -> list[tuple[LinkedModule, ast.Decl]]:
        """What `name` means in `where`:

        empty if nothing; more than one if modules at the same distance declare it.
        """
        for level in self.levels(where):
            hits = [(m, m.decls[name]) for m in level if name in m.decls]
            if hits:
                return hits
        return []

    def find_option(self, where: LinkedModule, name: str) -> list[tuple[LinkedModule, ast.OptionDecl]]:
        """The same for `option.name`."""
        for level in self.levels(where):
            hits = [(m, m.options[name]) for m in level if name in m.options]
            if hits:
                return hits
        return []

    def visible(self, where: LinkedModule) -> Iterator[LinkedModule]:
        """The modules whose names can be used in `where`, itself first, nearer ones before others."""
        for level in self.levels(where):
            yield from level

    def monitors(self) -> dict[str, tuple[LinkedModule, ast.Monitor]]:
        """All monitors by name, in the order of `modules`."""
        return {
            d.name: (m, d)
            for m in self.modules.values()
            for d in m.decls.values()
            if isinstance(d, ast.Monitor)
        }

    def levels(self, where: LinkedModule) -> Iterator[list[LinkedModule]]:
        seen = {where.name}
        level = [where]
        while level:
            yield level
            following: list[LinkedModule] = []
            for m in level:
                for name in m.imports:
                    if name not in seen:
                        seen.add(name)
                        following.append(self.modules[name])
            level = following
