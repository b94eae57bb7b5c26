"""Finds the modules that a file names, reads each once, and sees that they do not go round in circles."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from dmaverify import texts
from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostics, DmaError
from dmaverify.lang.parse import parse_file
from dmaverify.paths import data_roots, shorten
from dmaverify.span import Span

MAX_CHAIN = 200
"""Modules that import each other in a row."""

_parsed: dict[Path, tuple[tuple[int, int], ast.Module | ast.Scenario]] = {}
"""Trees of this process, with the time and size of the file that they were made from."""

_from_text: dict[tuple[Path, str], ast.Module | ast.Scenario] = {}


def tree_of(path: Path) -> ast.Module | ast.Scenario:
    """The tree of a file, parsed once as long as it does not change.  Raises DmaError."""
    try:
        resolved = path.resolve()
        if texts.replaced(resolved):
            return _overlaid(resolved, path)
        stat = resolved.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        known = _parsed.get(resolved)
    except (OSError, ValueError, RuntimeError):
        return parse_file(path, shorten(path))
    if known is not None and known[0] == stamp:
        return known[1]
    tree = parse_file(resolved, shorten(path))
    _parsed[resolved] = (stamp, tree)
    return tree


def _overlaid(resolved: Path, path: Path) -> ast.Module | ast.Scenario:
    """The tree of a text that stands in the place of a file's, parsed once as well."""
    text = texts.read_text(resolved)
    tree = _from_text.get((resolved, text))
    if tree is None:
        tree = _from_text[resolved, text] = parse_file(resolved, shorten(path))
    return tree


def normalised(part: str) -> str:
    """A folder's or file's name as it stands in a module's name:

    `v6.12` is `v6_12`, `dma-coherent` is `dma_coherent`.
    """
    return re.sub(r"[.\-]", "_", part)


def search_roots(path: Path) -> tuple[Path, ...]:
    """Where the modules for a file are looked for: its own project first, then what comes with the tool."""
    roots: list[Path] = []
    try:
        here = path.resolve()
    except (OSError, ValueError, RuntimeError):
        here = path
    for folder in here.parents:
        if (folder / "spec").is_dir() or (folder / "models").is_dir():
            roots.append(folder)
            break
    for root in data_roots():
        if root not in roots:
            roots.append(root)
    return tuple(roots)


def name_of(path: Path, roots: tuple[Path, ...]) -> str | None:
    """The name that the module in that file must have, or None for a file that lies outside of all roots."""
    for root in roots:
        for folder, prefix in ((root / "spec", ["spec"]), (root / "models", [])):
            try:
                below = path.resolve().relative_to(folder.resolve())
            except (ValueError, OSError):
                continue
            return ".".join([*prefix, *map(normalised, below.parts[:-1]), normalised(below.stem)])
    return None


class Library:
    """The modules that one file stands on."""

    def __init__(self, roots: tuple[Path, ...], diags: Diagnostics) -> None:
        self.roots = roots
        self.modules: dict[str, ast.Module] = {}
        self._diags = diags
        self._missing: set[str] = set()
        self._open: list[str] = []
        self._folders: dict[Path, dict[str, list[Path]]] = {}

    def add(self, module: ast.Module) -> None:
        """A module that was read already, with all that it names."""
        self.modules[module.name] = module
        self._follow(module)

    def require(self, name: ast.DottedName) -> ast.Module | None:
        """The module of that name; reports what is wrong with it, once."""
        known = self.modules.get(name.text)
        if known is not None:
            if name.text in self._open:
                at = self._open.index(name.text)
                circle = " -> ".join([*self._open[at:], name.text])
                self._diags.error("DMA031", f"the modules go round in a circle: {circle}", name.span)
            return known
        if name.text in self._missing:
            return None
        module = self._read(name)
        if module is None:
            self._missing.add(name.text)
            return None
        self.modules[name.text] = module
        self._follow(module)
        return module

    def names(self) -> list[str]:
        """The names of all modules in the roots."""
        found: set[str] = set()
        for root in self.roots:
            for folder in (root / "spec", root / "models"):
                for path in sorted(folder.rglob("*.dma"))[:5000]:
                    name = name_of(path, (root,))
                    if name is not None:
                        found.add(name)
        return sorted(found)

    def chain(self, module: ast.Module) -> list[ast.Module]:
        """The module and what it amends, the root first."""
        out = [module]
        while out[0].amends is not None:
            base = self.modules.get(out[0].amends.text)
            if base is None or base in out:
                break
            out.insert(0, base)
        return out

    def _follow(self, module: ast.Module) -> None:
        if len(self._open) >= MAX_CHAIN:
            self._diags.error(
                "DMA031", f"more than {MAX_CHAIN} modules import each other in a row", module.name_span
            )
            return
        self._open.append(module.name)
        if module.amends is not None:
            self.require(module.amends)
        self.follow(module.items)
        self._open.pop()

    def follow(self, items: list[ast.Item]) -> None:
        """Reads the modules that some declarations name."""
        for item in items:
            if isinstance(item, ast.Import | ast.Use):
                self.require(item.module)
            elif isinstance(item, ast.Variant):
                self.follow(item.items)

    # ---- files

    def _read(self, name: ast.DottedName) -> ast.Module | None:
        path = self._find(name)
        if path is None:
            return None
        try:
            tree = tree_of(path)
        except DmaError as e:
            self._diags.extend(e.diagnostics)
            return None
        if isinstance(tree, ast.Scenario):
            self._diags.error("DMA043", f"{name.text} is a scenario and cannot be imported", name.span)
            return None
        if tree.name != name.text:
            self._diags.error(
                "DMA032",
                f"the module calls itself {tree.name}, and its place says {name.text}",
                tree.name_span,
                notes=[(name.span, "imported by this name")],
            )
            return None
        return tree

    def _find(self, name: ast.DottedName) -> Path | None:
        parts = name.text.split(".")
        for root in self.roots:
            folder = root if parts[0] == "spec" else root / "models"
            paths = [folder]
            for i, part in enumerate(parts):
                ending = ".dma" if i == len(parts) - 1 else ""
                paths = [p for folder in paths for p in self._entries(folder).get(part + ending, ())]
            if len(paths) > 1:
                listed = " and ".join(shorten(p) for p in paths)
                self._diags.error("DMA030", f"{name.text} could be {listed}", name.span)
                return None
            if paths:
                return paths[0]
        self._report(name)
        return None

    def _entries(self, folder: Path) -> dict[str, list[Path]]:
        """What is in a folder, by its name in module names; files keep `.dma`."""
        found = self._folders.get(folder)
        if found is None:
            found = {}
            try:
                for path in texts.files_in(folder):
                    if path.suffix == ".dma" and texts.is_file(path):
                        found.setdefault(normalised(path.stem) + ".dma", []).append(path)
                    elif texts.is_folder(path):
                        found.setdefault(normalised(path.name), []).append(path)
            except OSError:
                pass
            self._folders[folder] = found
        return found

    def _report(self, name: ast.DottedName) -> None:
        close = get_close_matches(name.text, self.names(), 1, 0.6)
        looked = (
            ", ".join(shorten(root) or "." for root in self.roots)
            or "nowhere: no folder above holds spec/ or models/"
        )
        place = name.text.replace(".", "/") + ".dma"
        place = place if name.text.startswith("spec.") else "models/" + place
        self._diags.error(
            "DMA030",
            f"there is no module {name.text}",
            name.span,
            notes=[
                (None, f"It would be {place} (with . and - for _ where that is the file's name) in: {looked}")
            ],
            fix=f"Did you mean  {close[0]} ?" if close else None,
        )


def start_of(span: Span) -> Span:
    """The first line of a place, where the whole of it would be too much to show."""
    if span.line == span.end_line:
        return span
    return Span(span.file, span.line, span.column, span.line, 10_000)
