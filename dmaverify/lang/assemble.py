"""Puts a scenario and the layers of one variant together:

what the board is, who runs on it, what is asked and expected.
"""

from __future__ import annotations

from difflib import get_close_matches

from dmaverify.lang import ast
from dmaverify.lang.builtins import BOOT
from dmaverify.lang.diag import Diagnostics, source_line
from dmaverify.lang.merge import KINDS, Merger, kind_of, space_of
from dmaverify.lang.program import LinkedModule, Program
from dmaverify.lang.tree import changed, dump, replaced, same, walk
from dmaverify.span import Span

_NAMED = (ast.Region, ast.Place, ast.Device, ast.ParamDecl, ast.Sequence, ast.Client, ast.Interrupt)


class Assembler:
    """Applies the items of a scenario and of its variants to a `Program`, in order."""

    def __init__(self, program: Program, diags: Diagnostics) -> None:
        self._program = program
        self._diags = diags
        self._merger = Merger(diags)
        self._copied: set[str] = set()

    def apply(self, items: list[ast.Item], origin: str, layer: int) -> None:
        """One layer; layer 0 is the scenario itself."""
        origin = f"{origin}+{layer}"
        if layer:
            self._expects_of_layer(items)
        for item in items:
            self._item(item, origin, layer)
        for item in items:
            if isinstance(item, ast.Expect):
                for expectation in item.items:
                    self._expectation(expectation)

    def finish(self) -> None:
        """What can be said only when all layers are there: that the names of threads mean something."""
        known = [*self._program.threads, BOOT]
        for thread in self._program.threads.values():
            if isinstance(thread, ast.Interrupt):
                continue
            for name in (*thread.after, *thread.before):
                self._thread(name, thread.name_span, known)
        # While layers are applied, an origin says which of them it was, so that twice in one layer is an
        # error.
        p = self._program
        for name in (*self._copied, p.scope.name):
            origin = p.modules[name].origin
            origin.update({d: o.partition("+")[0] for d, o in origin.items()})

    # -------------------------------------------------------------------------------------------------
    # declarations

    def _item(self, item: ast.Item, origin: str, layer: int) -> None:
        p = self._program
        if isinstance(item, _NAMED):
            self._named(item, origin, layer)
        elif isinstance(item, ast.Hardware):
            p.hardware = merge_settings(p.hardware, item.settings)
        elif isinstance(item, ast.OptionSet):
            self._option(item)
        elif isinstance(item, ast.Check):
            self._check(item)
        elif isinstance(item, ast.Faults):
            self._faults(item)
        elif isinstance(item, ast.Start):
            self._start(item)
        elif isinstance(item, ast.Cover):
            p.covers.append(item)
            p.scope.origin[item] = origin
        elif isinstance(item, ast.ReplaceStep):
            self._step(item.owner, item.label, item.name_span, item.body)
        elif isinstance(item, ast.DropStep):
            self._step(item.owner, item.label, item.name_span, None)
        elif isinstance(item, ast.Remove):
            self._remove(item)
        elif isinstance(item, ast.Decl) and not isinstance(item, ast.Variant):
            self._decl(item, origin, layer)
        elif isinstance(item, ast.Require):
            p.scope.requires.append(item)

    def _decl(self, decl: ast.Decl, origin: str, layer: int) -> None:
        """A declaration in the scenario: of its own, or in the place of one of a module."""
        scope = self._program.scope
        own = space_of(scope, decl).get(decl.name)
        if own is not None:
            self._merger.add(scope, decl, origin, layer > 0)
            return
        hits = self._find(decl)
        target = next((m for m, d in hits if d.is_open or decl.is_replace), None)
        if target is None:
            self._merger.add(scope, decl, origin, layer > 0)
            return
        if len(hits) > 1:
            names = " and ".join(m.name for m, _ in hits)
            self._diags.error(
                "DMA035", f"`{decl.name}` is declared in {names}: which is meant?", decl.name_span
            )
            return
        self._merger.add(self._own_copy(target), decl, origin, True)

    def _find(self, decl: ast.Decl) -> list[tuple[LinkedModule, ast.Decl]]:
        """What a declaration of the scenario could mean in the modules, nearest first."""
        p = self._program
        for level in p.levels(p.scope):
            hits = [
                (m, s[decl.name]) for m in level if decl.name in (s := space_of(m, decl)) and m is not p.scope
            ]
            if hits:
                return hits
        return []

    def _own_copy(self, module: LinkedModule) -> LinkedModule:
        """The module, which other Programs share, as one that belongs to this Program alone."""
        if module.name in self._copied or module is self._program.scope:
            return module
        copy = LinkedModule(
            module.name,
            module.parts,
            module.imports,
            dict(module.decls),
            dict(module.options),
            dict(module.lemmas),
            list(module.covers),
            list(module.ensures),
            list(module.requires),
            dict(module.origin),
        )
        self._copied.add(module.name)
        self._program.modules[module.name] = copy
        return copy

    def _remove(self, item: ast.Remove) -> None:
        kind = next((k for k, word in KINDS.items() if word == item.kind), None)
        p = self._program
        modules = [
            m for m in p.visible(p.scope) if kind and isinstance(space_of(m, kind).get(item.name), kind)
        ]
        target = self._own_copy(modules[0]) if modules else p.scope
        self._merger.add(target, item, p.name, True)
        for space in (p.regions, p.places, p.devices, p.params, p.threads):
            space.pop(item.name, None)

    # --------------------------------------------------------------------------------------------------------
    # board

    def _named(self, decl: ast.Decl, origin: str, layer: int) -> None:
        p = self._program
        spaces: list[tuple[type, dict[str, ast.Decl]]] = [
            (ast.Region, p.regions),  # type: ignore[list-item]
            (ast.Place, p.places),  # type: ignore[list-item]
            (ast.Device, p.devices),  # type: ignore[list-item]
            (ast.ParamDecl, p.params),  # type: ignore[list-item]
            (ast.Decl, p.threads),  # type: ignore[list-item]
        ]
        space = next(s for kind, s in spaces if isinstance(decl, kind))
        base = space.get(decl.name)
        if base is None:
            self._merger.add(p.scope, decl, origin, layer > 0)
            if p.scope.decls.get(decl.name) is decl:
                space[decl.name] = decl
            return
        done: ast.Decl | None = None
        again = p.scope.origin.get(base) == origin
        if not again and isinstance(decl, ast.Region | ast.Device) and not decl.is_replace:
            assert isinstance(base, ast.Region | ast.Device)
            done = changed(decl, settings=merge_settings(base.settings, decl.settings))
            done.doc = decl.doc or base.doc
            self._unless_same(done, base)
        elif not again and isinstance(decl, ast.ParamDecl | ast.Place):
            done = self._merger.complete(decl, base)
        else:
            self._merger.add(p.scope, decl, origin, layer > 0)
            found = p.scope.decls.get(decl.name)
            if found is not None and found is not base:
                space[decl.name] = found
            return
        if done is not None:
            p.scope.decls[decl.name] = space[decl.name] = done
            p.scope.origin[done] = origin

    def _unless_same(self, decl: ast.Decl, base: ast.Decl) -> None:
        if same(decl, base):
            self._diags.warning(
                "DMA039",
                f"this changes nothing in {kind_of(decl)} {decl.name}",
                decl.name_span,
                notes=[(base.name_span, "here")],
            )

    def _option(self, item: ast.OptionSet) -> None:
        p = self._program
        where, _, name = item.name.rpartition(".")
        if where:
            module = p.module_of(where)
            found = [module] if module is not None and name in module.options else []
        else:
            found = [m for m in p.modules.values() if name in m.options]
        if len(found) == 1:
            item.ref = found[0].options[name]
            p.option_sets[item.name] = item
            return
        if found:
            names = " and ".join(m.name for m in found)
            fix = f"Write  option {found[0].name}.{name} ."
            self._diags.error("DMA042", f"option `{name}` is declared in {names}", item.name_span, fix=fix)
            return
        close = get_close_matches(name, {n for m in p.modules.values() for n in m.options}, 1, 0.6)
        guess = f"Did you mean  {close[0]} ?" if close else None
        self._diags.error("DMA042", f"no module here has an option `{item.name}`", item.name_span, fix=guess)

    def _faults(self, item: ast.Faults) -> None:
        p = self._program
        if item.names is None:
            p.faults = [item]
        else:
            fresh = set(item.names)
            kept = [f for f in p.faults if f.names is not None and not fresh & set(f.names)]
            p.faults = [*kept, item]

    # -------------------------------------------------------------------------------------------------------
    # threads

    def _start(self, item: ast.Start) -> None:
        p = self._program
        known = [*p.threads, BOOT]
        for name in item.names:
            if not self._thread(name, item.span, known):
                continue
            thread = p.threads[name]
            if isinstance(thread, ast.Interrupt):
                self._diags.error("DMA044", f"{name} is an interrupt and starts by itself", item.span)
                continue
            after = [n for n in item.after if self._thread(n, item.span, known)]
            done = changed(thread, after=after)
            if same(done, thread) and len(after) == len(item.after):
                self._diags.warning("DMA039", f"{name} starts there already", item.span)
            self._exchange(thread, done)

    def _thread(self, name: str, span: Span, known: list[str]) -> bool:
        if name in known:
            return True
        close = get_close_matches(name, known, 1, 0.6)
        fix = f"Did you mean  {close[0]} ?" if close else None
        self._diags.error("DMA044", f"there is no sequence or client `{name}`", span, fix=fix)
        return False

    def _exchange(self, old: ast.Decl, new: ast.Decl) -> None:
        p = self._program
        p.scope.decls[new.name] = new
        p.scope.origin[new] = p.scope.origin.pop(old, p.name)
        p.threads[new.name] = new  # type: ignore[assignment]

    def _step(self, owner: str, label: str, span: Span, body: ast.Block | None) -> None:
        """`replace step OWNER.LABEL` and `drop OWNER.LABEL`."""
        p = self._program
        module: LinkedModule | None = None
        found: ast.Decl | None = p.threads.get(owner)
        if found is None:
            hits = [(m, d) for m, d in p.find(p.scope, owner) if isinstance(d, ast.ProcDecl)]
            if len(hits) == 1:
                module, found = hits[0]
        if found is None:
            known = [
                *p.threads,
                *(n for m in p.modules.values() for n, d in m.decls.items() if isinstance(d, ast.ProcDecl)),
            ]
            close = get_close_matches(owner, known, 1, 0.6)
            fix = f"Did you mean  {close[0]} ?" if close else None
            self._diags.error("DMA041", f"there is no sequence, client or proc `{owner}`", span, fix=fix)
            return
        step = self._find_step(found, label, span)
        if step is None:
            return
        new: ast.Stmt | None = body
        if isinstance(step, ast.Labelled):
            new = changed(step, stmt=body)
        if new is not None and same(new, step):
            self._diags.warning("DMA039", f"{owner}.{label} is the same already", span)
        done = replaced(found, step, new)
        if module is None:
            self._exchange(found, done)
        else:
            own = self._own_copy(module)
            own.decls[owner] = done
            own.origin[done] = own.origin.pop(found, module.name)

    def _find_step(self, owner: ast.Decl, label: str, span: Span) -> ast.Stmt | None:
        nodes = list(walk(owner))
        labelled = [n for n in nodes if isinstance(n, ast.Labelled)]
        for node in labelled:
            if node.label == label:
                return node
        calling = [n for n in nodes if isinstance(n, ast.Stmt) and _calls(n, label)]
        if len(calling) == 1:
            return calling[0]
        if calling:
            notes: list[tuple[Span | None, str]] = [(c.span, "one of them") for c in calling]
            self._diags.error(
                "DMA041",
                f"{owner.name} calls {label} more than once: give the step a label",
                span,
                notes=notes,
            )
            return None
        names = [n.label for n in labelled]
        close = get_close_matches(label, names, 1, 0.6)
        notes = [(None, "Its labels: " + ", ".join(names))] if names else []
        fix = f"Did you mean  {owner.name}.{close[0]} ?" if close else None
        self._diags.error(
            "DMA041",
            f"{owner.name} has no label `{label}` and calls no such proc",
            span,
            notes=notes,
            fix=fix,
        )
        return None

    # ----------------------------------------------------------------------------------------------------
    # questions

    def _check(self, item: ast.Check) -> None:
        checks = self._program.checks
        if item.only:
            checks.only = True
            checks.props = list(item.props)
            return
        if item.all:
            checks.only = False
        known = {p.text for p in checks.props}
        checks.props += [p for p in item.props if p.text not in known]

    def _expects_of_layer(self, items: list[ast.Item]) -> None:
        """`expect all …` in a variant says everything anew."""
        if any(e.subject == "all" for i in items if isinstance(i, ast.Expect) for e in i.items):
            self._program.expects.by_subject.clear()

    def _expectation(self, item: ast.Expectation) -> None:
        expects = self._program.expects
        if isinstance(item.subject, str):
            expects.default = item
        elif isinstance(item.subject, ast.PropRef):
            expects.by_subject[item.subject.text] = item
        else:
            expects.by_subject["cover " + text_of(item.subject)] = item


def text_of(expr: ast.Expr) -> str:
    """An expression as a key: what is written, or else its tree."""
    span = expr.span
    if span.line == span.end_line:
        return source_line(span)[span.column - 1 : span.end_column - 1]
    return dump(expr)


def merge_settings(base: list[ast.Setting], new: list[ast.Setting]) -> list[ast.Setting]:
    """Settings by name, the last one said wins; blocks of one name (and value) are merged."""
    out = {_key(s): s for s in base}
    for setting in new:
        known = out.get(_key(setting))
        if known is not None and known.block is not None and setting.block is not None:
            setting = changed(setting, block=merge_settings(known.block, setting.block))
        out[_key(setting)] = setting
    return list(out.values())


def _key(setting: ast.Setting) -> tuple[str, str]:
    named = setting.block is not None and setting.value is not None
    return setting.name, dump(setting.value) if named else ""


def _calls(stmt: ast.Stmt, name: str) -> bool:
    """Whether this statement itself (not one inside it) calls a proc of that name."""
    if isinstance(
        stmt, ast.Block | ast.If | ast.Match | ast.For | ast.CFor | ast.While | ast.Loop | ast.Repeat
    ):
        return False
    if isinstance(stmt, ast.Labelled | ast.Lock | ast.Atomic | ast.Choose):
        return False
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.name == name for n in walk(stmt)
    )
