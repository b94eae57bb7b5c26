"""From a file to a `Program`: finds and reads the modules, binds versions, merges amendments, applies a
variant.

    loaded = load("models/boards/rx-reuse.dma")
    loaded.variants                  # ["v7", "arm926", "no_for_cpu", "no_for_cpu@v7", …]
    program = loaded.program(None)   # the scenario as it stands
    program = loaded.program("arm926")

A `Program` (see `program`) is what the checker and the lowerer work on.  `load` and `Loaded.program` raise
`DmaError` with everything that is wrong; what is only worth a remark is in `Program.warnings`.

* **Modules.**  `linux.v6_12.arm64` is `models/linux/v6.12/arm64.dma` below the scenario's own project (the
  nearest folder above it with `spec/` or `models/` in it) or in what comes with the tool; `spec.api` is
  `spec/api.dma`.
* **Versions.**  A module that `amends` another is a list of whole declarations: it gives what the other left
  `open`, replaces (`replace`), removes (`remove`) and adds.  `use M` puts M in the place of what it amends
  wherever that is imported, and so does an `import` of M itself.  What a variant uses takes the place of what
  the scenario uses for the same root, with all that came with it.
* **Signatures** of what amends come from what is amended: parameters are named alike, types and results are
  inherited.
* **Variants** are amendments with a name: `from` another, `for all` or `for` some (one variant each, `v@w`).
"""

from __future__ import annotations

from pathlib import Path

from dmaverify.lang import ast
from dmaverify.lang.assemble import Assembler
from dmaverify.lang.bind import Binding
from dmaverify.lang.diag import Diagnostic, Diagnostics, DmaError
from dmaverify.lang.library import Library, name_of, search_roots, tree_of
from dmaverify.lang.merge import Merger
from dmaverify.lang.program import LinkedModule, Program
from dmaverify.lang.reach import report_open
from dmaverify.lang.variants import expand
from dmaverify.paths import shorten

_merged: dict[tuple[int, ...], tuple[tuple[ast.Module, ...], LinkedModule, list[Diagnostic]]] = {}
"""Roots with what amends them, by the identity of their files (which are kept, so that it stays theirs)."""


def load(path: str | Path) -> Loaded:
    """Reads a scenario or module and all the modules that it stands on.  Raises DmaError."""
    path = Path(path)
    tree = tree_of(path)
    diags = Diagnostics()
    roots = search_roots(path)
    library = Library(roots, diags)
    variants: dict[str, list[ast.Variant]] = {}
    if isinstance(tree, ast.Scenario):
        library.follow(tree.items)
        variants = expand(tree, diags)
    else:
        expected = name_of(path, roots)
        if expected is not None and expected != tree.name:
            diags.error(
                "DMA032",
                f"the module calls itself {tree.name}, and its place says {expected}",
                tree.name_span,
            )
        library.add(tree)
    diags.raise_errors()
    return Loaded(path, tree, library, variants)


class Loaded:
    """A file with its modules, ready to be made a `Program` of, for itself or for one of its variants."""

    def __init__(
        self,
        path: Path,
        tree: ast.Module | ast.Scenario,
        library: Library,
        layers: dict[str, list[ast.Variant]],
    ) -> None:
        self.path = path
        self.tree = tree
        self._library = library
        self._layers = layers
        self._programs: dict[str | None, Program] = {}

    @property
    def name(self) -> str:
        """The scenario's or module's name."""
        return self.tree.name

    @property
    def scenario(self) -> ast.Scenario | None:
        """The scenario, or None for a module."""
        return self.tree if isinstance(self.tree, ast.Scenario) else None

    @property
    def variants(self) -> list[str]:
        """The names of all variants, in the order of the file."""
        return list(self._layers)

    @property
    def modules(self) -> dict[str, ast.Module]:
        """All modules that were read for it or for one of its variants, by name."""
        return dict(self._library.modules)

    def family(self, name: str) -> list[str]:
        """The variants that `name` stands for: itself, and `name@…` where it is one `for` several."""
        return [v for v in self._layers if v == name or v.partition("@")[0] == name]

    def program(self, variant: str | None = None) -> Program:
        """The scenario with that variant's amendments (None: as it stands).  Raises DmaError."""
        if variant is not None and variant not in self._layers:
            raise DmaError(
                [Diagnostic("DMA040", f"{self.name} has no variant {variant}", self.tree.name_span)]
            )
        program = self._programs.get(variant)
        if program is None:
            program = self._programs[variant] = self._link(variant)
        return program

    # --------------------------------------------------------------------------------------------------------
    # ----

    def _link(self, variant: str | None) -> Program:
        diags = Diagnostics()
        scenario = self.scenario
        layers = self._layers[variant] if variant is not None else []
        items: list[list[ast.Item]] = [scenario.items] if scenario else []
        items += [layer.items for layer in layers]
        binding = Binding(self._library, diags)
        binding.bind([[i for i in layer if isinstance(i, ast.Use)] for layer in items])
        modules, aliases = self._modules(binding, items, diags)
        if scenario is not None:
            scope = LinkedModule(scenario.name, [scenario], self._sees(binding, items))
            modules[scope.name] = scope
            aliases[scope.name] = scope.name
        else:
            scope = modules[aliases[self.name]]
        title = next((v.title for v in reversed(layers) if v.title), scenario.title if scenario else None)
        program = Program(
            self.name, variant, title, scenario, shorten(self.path), modules, scope, aliases, binding.uses
        )
        if scenario is not None:
            assembler = Assembler(program, diags)
            for number, layer in enumerate(items):
                assembler.apply(layer, scenario.name, number)
            assembler.finish()
            diags.raise_errors()
            report_open(program, diags)
        diags.raise_errors()
        program.warnings = diags.warnings
        return program

    def _sees(self, binding: Binding, items: list[list[ast.Item]]) -> list[str]:
        """The roots that the scenario itself imports or uses."""
        named = [i.module.text for layer in items for i in layer if isinstance(i, ast.Import | ast.Use)]
        in_force = [*binding.uses.values(), *binding.plain]
        roots = [binding.root(name) for name in named]
        roots += [binding.root(name) for name in in_force]
        return list(dict.fromkeys(r for r in roots if r is not None))

    def _modules(
        self, binding: Binding, items: list[list[ast.Item]], diags: Diagnostics
    ) -> tuple[dict[str, LinkedModule], dict[str, str]]:
        """All roots that are reached, imports before importers, and the names that stand for them."""
        start = self._sees(binding, items)
        if self.scenario is None:
            module = self._library.modules[self.name]
            if module.amends is not None:
                binding.bind_import(
                    ast.Import(module.name_span, ast.DottedName(module.name_span, module.name))
                )
            start = [r for r in [binding.root(self.name)] if r is not None]
        for layer in items:
            for item in layer:
                if isinstance(item, ast.Import):
                    binding.bind_import(item)
        # Binding an import may bring in another file with imports of its own, so this goes on until nothing
        # changes.
        while True:
            order, again = self._order(binding, start)
            if not again:
                break
        modules = {root: self._merge(binding, root, diags) for root in order}
        for name, linked in modules.items():
            linked.imports = [r for r in self._imports(binding, name) if r in modules]
        aliases = {
            name: root for name in self._library.modules if (root := binding.root(name)) in modules and root
        }
        return modules, aliases

    def _order(self, binding: Binding, start: list[str]) -> tuple[list[str], bool]:
        """Roots in the order in which they need each other;

        whether an import has changed what is in force.
        """
        order: list[str] = []
        seen: set[str] = set()
        changed = False
        stack: list[tuple[str, bool]] = [(root, False) for root in reversed(start)]
        while stack:
            root, done = stack.pop()
            if done:
                order.append(root)
                continue
            if root in seen:
                continue
            seen.add(root)
            stack.append((root, True))
            for part in binding.chain(root):
                for item in part.items:
                    if isinstance(item, ast.Import | ast.Use) and binding.bind_import(item):
                        changed = True
            stack += [(r, False) for r in reversed(self._imports(binding, root)) if r not in seen]
        return order, changed

    def _imports(self, binding: Binding, root: str) -> list[str]:
        """The roots that the files of a root import or use."""
        found: dict[str, None] = {}
        for part in binding.chain(root):
            for item in part.items:
                if isinstance(item, ast.Import | ast.Use):
                    target = binding.root(item.module.text)
                    if target is not None and target != root:
                        found[target] = None
        return list(found)

    def _merge(self, binding: Binding, root: str, diags: Diagnostics) -> LinkedModule:
        """The merged module.

        What is in it is shared by all Programs with the same files; its imports are its own.
        """
        parts = binding.chain(root)
        key = tuple(map(id, parts))
        known = _merged.get(key)
        if known is None:
            found = Diagnostics()
            known = _merged[key] = (tuple(parts), Merger(found).merge(parts), found.all)
        _, module, problems = known
        diags.extend(problems)
        return LinkedModule(
            module.name,
            module.parts,
            [],
            module.decls,
            module.options,
            module.lemmas,
            module.covers,
            module.ensures,
            module.requires,
            module.origin,
        )
