"""Which tests a scenario is: its variants and the properties of each, from the compiler, remembered between runs.

Collecting needs no verdict, but it needs the compiler, since a built-in property is only there if something could violate it. In the
cache of pytest an answer is kept with the digests of all files that it was made of.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dmaverify import __version__
from dmaverify.span import Span

FORMAT = 1


@dataclass(frozen=True)
class Prop:
    """A property of a variant, as far as it is known before it is decided. ``at``: where the scenario or the specification says so."""

    name: str
    code: str
    kind: str
    expects: str
    file: str
    line: int


@dataclass(frozen=True)
class Listed:
    """A variant (None: the base) and its properties. ``more``: larger instances of it may have built-in properties besides."""

    variant: str | None
    props: tuple[Prop, ...]
    more: bool


class Listings:
    """Knows the tests of scenario files; ``folder`` (None: nowhere) is where they are remembered."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._digests: dict[str, str] = {}

    def variants(self, file: str) -> tuple[str, list[Listed]]:
        """The scenario's name and its variants. Raises what the compiler raises."""
        known = self._remembered(file)
        if known is not None:
            return known
        from dmaverify.checking.frontend import outline

        name, _, variants = outline(file)
        listed: list[Listed] = []
        sources: set[str] = {file}
        for variant in (None, *variants):
            found, files = _compiled(file, variant)
            listed.append(found)
            sources.update(files)
        self._remember(file, name, listed, sources)
        return name, listed

    def _path(self, file: str) -> Path | None:
        if self._folder is None:
            return None
        return self._folder / f"{hashlib.sha256(os.path.abspath(file).encode()).hexdigest()[:16]}.json"

    def _digest(self, file: str) -> str:
        if file not in self._digests:
            try:
                self._digests[file] = hashlib.sha256(Path(file).read_bytes()).hexdigest()
            except OSError:
                self._digests[file] = ""
        return self._digests[file]

    def _remembered(self, file: str) -> tuple[str, list[Listed]] | None:
        path = self._path(file)
        try:
            data: Any = json.loads(path.read_text(encoding="utf-8")) if path is not None else None
            if data is None or (data["format"], data["version"], data["tool"]) != (FORMAT, __version__, _tool()):
                return None
            if any(self._digest(f) != digest for f, digest in data["sources"].items()):
                return None
            return data["name"], [Listed(v["variant"], tuple(Prop(**p) for p in v["props"]), v["more"]) for v in data["variants"]]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _remember(self, file: str, name: str, listed: list[Listed], sources: set[str]) -> None:
        path = self._path(file)
        if path is None:
            return
        data = {
            "format": FORMAT,
            "version": __version__,
            "tool": _tool(),
            "name": name,
            "sources": {os.path.abspath(f): self._digest(os.path.abspath(f)) for f in sorted(sources)},
            "variants": [asdict(v) for v in listed],
        }
        # several workers may write the same at the same time
        part = path.with_suffix(f".{os.getpid()}")
        try:
            part.write_text(json.dumps(data), encoding="utf-8")
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)


@cache
def _tool() -> float:
    """When the compiler was changed last: what it makes of a text may change with it."""
    package = Path(__file__).resolve().parent.parent
    return max(p.stat().st_mtime for part in ("lang", "ir", "checking") for p in (package / part).rglob("*.py"))


def _compiled(file: str, variant: str | None) -> tuple[Listed, tuple[str, ...]]:
    from dmaverify.checking.frontend import load

    model = load(file, variant, {})
    known = {p.name: p for p in model.system.properties}
    props = []
    for name in model.properties:
        expected = model.expectations.get(name)
        declared = known.get(name)
        span = expected.span if expected is not None else model.covers.get(name) or (declared.span if declared else None)
        kind = "cover" if name in model.covers or declared is None else declared.kind
        props.append(_prop(name, declared.code if declared else "", kind, str(expected or ""), span, file))
    sources = model.compiled.sources if model.compiled is not None else ()
    return Listed(variant, tuple(props), bool(model.choice or model.free)), sources


def _prop(name: str, code: str, kind: str, expects: str, span: Span | None, file: str) -> Prop:
    if span is None or not os.path.exists(span.file):
        return Prop(name, code, kind, expects, file, 1)
    return Prop(name, code, kind, expects, span.file, span.line)
