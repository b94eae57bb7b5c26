"""Which variants are the same on both sides before anything is checked: their IR differs in names and order at most.

Then every verdict is the same as well, and neither side has to be checked: in a folder of scenarios a patch leaves most of them as
they are, though they stand on the file that it changes. What a verdict depends on beside the System of a scenario is compared too:
lemmas that speak of numbers, what procs ensure where their bodies run, and the bodies that contracts stand for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dmaverify.checking.discover import Found, list_variants
from dmaverify.checking.events import Event, Reporter
from dmaverify.checking.options import Options
from dmaverify.checking.workers import run_tasks
from dmaverify.ir.system import System
from dmaverify.lang.compile import Compiled, compile_contract, compile_lemmas
from dmaverify.lang.symbols import LemmaSym
from dmaverify.patches.canonical import same
from dmaverify.patches.compare import Task, changed_names, instances, rests_on_changed
from dmaverify.patches.sides import Comparison, Pair
from dmaverify.texts import overlaid, read_text

Key = tuple[int, str | None]
"""The position of a pair, and a variant."""


@dataclass(frozen=True)
class Same:
    """What became of the variants of a comparison's pairs."""

    variants: Mapping[int, tuple[str | None, ...]]
    """Of each pair that was looked at: all its variants, in the order of the text."""
    same: frozenset[Key] = frozenset()

    def left(self, n: int) -> bool:
        """Whether anything of a pair has to be checked."""
        return n not in self.variants or any((n, v) not in self.same for v in self.variants[n])


def find_same(
    comparison: Comparison,
    pairs: Sequence[Pair],
    variant: str | None,
    params: Mapping[str, int | str],
    jobs: int | None,
    progress: Reporter | None = None,
) -> Same:
    """Compare the IR of every variant of those pairs whose scenario has the same text on both sides."""
    variants: dict[int, tuple[str | None, ...]] = {}
    keys: list[Key] = []
    tasks: list[Task] = []
    changed = changed_names(comparison)
    for n, pair in enumerate(pairs):
        if not pair.in_folder or pair.before is None or pair.after is None or not _same_text(comparison, pair):
            continue
        with overlaid(comparison.after.overlay):
            listing = list_variants(Found(pair.after, pair.name, in_folder=True), Options(variant=variant))
        if listing.diagnostics or listing.internal:
            continue
        variants[n] = tuple(listing.variants)
        for v in listing.variants:
            keys.append((n, v))
            files = pair.before, pair.after
            tasks.append(Task(comparison.before, comparison.after, files, v, tuple(params.items()), "addresses", 1, (), changed))
    found: set[Key] = set()

    def tell(n: int, finished: bool = False) -> None:
        if progress is not None:
            at, v = keys[n]
            progress(Event(n, len(tasks), pairs[at].name + (f".{v}" if v else ""), "", finished))

    def finish(n: int, answer: bool) -> None:
        if answer:
            found.add(keys[n])
        tell(n, finished=True)

    workers = jobs or os.cpu_count() or 1
    if workers > 1 and len(tasks) > 1:
        if not run_tasks(tasks, unchanged, workers, tell, finish, lambda n, died: False):
            raise KeyboardInterrupt
    else:
        for n, task in enumerate(tasks):
            tell(n)
            finish(n, unchanged(task))
    return Same(variants, frozenset(found))


def _same_text(comparison: Comparison, pair: Pair) -> bool:
    """Whether the scenario itself is the same on both sides: what it asks and expects is told there."""
    assert pair.before is not None and pair.after is not None
    texts = []
    for side, file in ((comparison.before, pair.before), (comparison.after, pair.after)):
        try:
            with overlaid(side.overlay):
                texts.append(read_text(file))
        except (OSError, UnicodeDecodeError):
            return False
    return texts[0] == texts[1]


def unchanged(task: Task) -> bool:
    """Whether a variant is the same on both sides; False also where it cannot be compiled. Never raises."""
    try:
        return _unchanged(task)
    except Exception:
        return False  # whoever checks it says what is wrong


def _unchanged(task: Task) -> bool:
    found = False
    for one, other, _ in instances(task):
        if not same(one.system, other.system) or rests_on_changed(task, one, other):
            return False
        if not found:
            left, right = (dict(_alone(task, side, c)) for side, c in enumerate((one, other)))
            if left.keys() != right.keys() or not all(same(s, right[n]) for n, s in left.items()):
                return False
        found = True
    return found


def _alone(task: Task, side: int, c: Compiled) -> Iterator[tuple[str, System]]:
    """What is decided about a scenario by Systems of their own."""
    file, params = task.files[side], dict(task.params)
    with overlaid((task.before, task.after)[side].overlay):
        lemmas = [p.text for p in c.checks.props if isinstance(p.ref, LemmaSym) and p.text not in c.asked]
        if lemmas:
            systems = compile_lemmas(file, task.variant)
            yield from ((name, systems[name]) for name in lemmas)
        for proc in () if c.checks.only else c.promises:
            yield f"contract {proc}", compile_contract(file, proc, task.variant, params)
