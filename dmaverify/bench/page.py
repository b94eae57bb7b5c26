"""The page ``docs/performance.md``, written from what was measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from dmaverify.bench.cases import AC_SIZES
from dmaverify.bench.growth import Growth, Parallel, Watched
from dmaverify.bench.measure import AS_IT_COMES, OURS, Comparison
from dmaverify.bench.tools import ALL_STATES, Result


@dataclass
class Measured:
    """Everything that one run of the benchmark found out; what was left out is empty."""

    rounds: int
    comparisons: list[Comparison] = field(default_factory=list)
    reduced: dict[str, Result] = field(default_factory=dict)
    """By model, SPIN with its partial-order reduction."""
    parallel: list[Parallel] = field(default_factory=list)
    watched: Watched | None = None
    growth: Growth | None = None


def page(m: Measured) -> str:
    """The whole page, in Markdown."""
    parts = [_head(m), _same(m.comparisons), _exploration(m.comparisons), _prompt(m.comparisons)]
    if m.watched is not None:
        parts.append(_watched(m.watched))
    if m.parallel:
        parts.append(_parallel(m.parallel))
    if m.growth is not None:
        parts.append(_growth(m.growth))
    return "\n".join([*parts, _caveats(m)])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" if n == 0 else "---:" for n in range(len(head))) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _head(m: Measured) -> str:
    tools = ", ".join(filter(None, (_version("spin", "-V"), _version("rumur", "--version"), _version("gcc", "--version"))))
    return f"""\
# Performance

This page is written by `dmaverify bench --page docs/performance.md`, from a checkout, with SPIN, rumur and gcc installed
(`apt-get install spin rumur gcc`). Run it again before you believe it.

Measured with {m.rounds} round{"s" if m.rounds > 1 else ""}: in each round every tool runs once, one after the other, so that what
else the machine does hits all alike. Figures are medians; ratios are medians of the rounds' ratios. *CPU* is user and system time of
the processor. Machine: {_machine()}. {tools};
llvmlite {_package("llvmlite")}, Python {platform.python_version()}. Load average of the last 15 minutes: {os.getloadavg()[2]:.1f}
(what is over 1 is other work: elapsed times are longer for it).
"""


def _machine() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
        model = re.search(r"model name\s*:\s*(.+)", text)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        return f"{os.cpu_count()} CPUs ({model[1] if model else platform.machine()}), {memory:.0f} GiB"
    except OSError:
        return platform.platform()


def _version(tool: str, option: str) -> str:
    try:
        out = subprocess.run([tool, option], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
    found = re.search(r"\d+\.\d+[\d.]*", out)
    return f"{tool} {found[0]}" if found else tool


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _same(all_: list[Comparison]) -> str:
    rows = []
    for c in all_:
        ours = c.explored[OURS][0]
        others = "all agree" if c.peers else "nobody else ran"
        rows.append(
            (c.case.name, f"{ours.bits}", f"{-(-ours.bits // 64)}", f"{c.case.states:,}", f"{c.case.transitions:,}", others)
        )
    return f"""
## The same states

Every tool that is named below has the same number of states and of transitions on the same model; a run in which one differs
fails. (SPIN counts the way to the first state as one more transition.) AC(P,K) is an allocator of P pages with K slots above a cache
without coherence, in bare rules (`bench/ac.dma`). `receive` and its variants are two network cards on 6.12's code for arm64
(`bench/receive.dma`), `takers` is a bitmap under compare-and-exchange (`bench/takers.dma`); all are unsliced here. The models for SPIN
and rumur in `bench/peers` were written by hand; *exported* is what `dmaverify export --to promela` makes of the system that we explore.
A state has as many bits as the System's variables; by hand, the bitmap of `takers` is a byte in place of a word.

{_table(("model", "bits a state", "words", "states", "transitions", "counts"), rows)}"""


def _exploration(all_: list[Comparison]) -> str:
    rows = []
    for c in all_:
        rows.append((c.case.name, f"**{OURS}**", f"{c.cpu(OURS):.3f}", "", f"{c.case.states / c.cpu(OURS) / 1e6:.2f}"))
        for tool in sorted(c.peers, key=c.cpu):
            rows.append(("", tool, f"{c.cpu(tool):.3f}", f"{c.ratio(tool):.1f}", f"{c.case.states / c.cpu(tool) / 1e6:.2f}"))
    return f"""
## Exploration only, one core

CPU seconds of the search itself, one thread, every state kept exactly. Reading and compiling come on top; they are in the next table.
SPIN is a depth-first search without partial-order reduction, compiled in two ways: with -O2, and with -O3, -march=native and -DSFH.

{_table(("model", "tool", "CPU s", "times ours", "million states/s"), rows)}"""


def _prompt(all_: list[Comparison]) -> str:
    rows = []
    for c in all_:
        if not c.prompt[OURS]:
            continue
        rows.append((c.case.name, f"**{OURS}**", f"{c.wall(OURS):.2f}", "", f"{c.prompt_cpu(OURS):.2f}"))
        for tool in sorted((t for t in c.prompt if t != OURS), key=c.wall):
            name = f"*{tool}*" if tool == AS_IT_COMES else tool
            rows.append(("", name, f"{c.wall(tool):.2f}", f"{c.wall_ratio(tool):.1f}", f"{c.prompt_cpu(tool):.2f}"))
    if not rows:
        return ""
    return f"""
## From the shell's prompt to the verdict

Elapsed seconds of `dmaverify check`, start-up and compiling included, with as many threads as the machine has CPUs; of `spin -a`, gcc
and the verifier together; of rumur, gcc and the checker together. Ours also asks whether the property was ever put to the test. It
visits all states here, as the others do (`{" ".join(ALL_STATES)}`); without these options (*as it comes*)
it may do with fewer.

{_table(("model", "tool", "elapsed s", "times ours", "CPU s"), rows)}"""


def _watched(w: Watched) -> str:
    return f"""
## One page at a time

The counts above are without slicing, since other tools have nothing like it. With it, each page of AC(8,4) is a question of its
own: its slices have {w.states:,} states together, in place of {AC_SIZES[8, 4][0]:,}. `dmaverify check --no-symmetry` visits all of
them and answers after {median(w.seconds):.2f} s from the prompt. As it comes it also uses that slots are alike, so that still fewer
states are left, and answers after {median(w.reduced):.2f} s.
"""


def _parallel(all_: list[Parallel]) -> str:
    rows = [
        (
            p.case.name,
            "presized" if p.presized else "grows",
            f"{median(r.cpu for r in p.one):.2f}",
            f"{median(r.cpu for r in p.two):.2f}",
            f"{median(r.total for r in p.two):.2f}",
            f"{p.speedup:.2f}",
            f"{p.wall_speedup:.2f}",
            f"{median(r.memory for r in p.one) / p.case.states:.0f}",
        )
        for p in all_
    ]
    head = ("model", "table", "1 thread, CPU s", "2 threads, busier one", "both", "gain", "gain elapsed", "bytes a state")
    return f"""
## Threads and memory

The busier of two threads against one thread, in CPU seconds; elapsed time says something only on a machine that does nothing
else. Counts are the same with one thread and with two. Memory is what the process grew by during the search, at the most, over the
number of states.

{_table(head, rows)}"""


def _growth(g: Growth) -> str:
    out = ["\n## How cost grows\n"]
    for what, rows in g.tables.items():
        out.append(f"\nWith {what}, all else fixed:\n")
        lines = []
        for r in rows:
            rate = f"{r.result.states / r.seconds / 1e6:.2f}" if r.seconds > 0.001 else ""
            lines.append(
                (r.label, f"{r.result.bits}", f"{r.result.states:,}", f"{r.result.transitions:,}", f"{r.seconds:.3f}", rate)
            )
        out.append(_table((what, "bits", "states", "transitions", "CPU s", "million states/s"), lines))
    return "\n".join(out)


def _caveats(m: Measured) -> str:
    reduced = "; ".join(f"`{name}` {r.states:,} states in {r.cpu:.2f} s" for name, r in m.reduced.items())
    return f"""
## What these figures do not say

* AC is a friendly case: a state is one word, guards are cheap, and more than nine tenths of all successors are known already. The other
  models are closer to what the scenarios of `models/` look like.
* SPIN has partial-order reduction and Murphi has symmetric types; both are off here, as are our slices, so that all explore the same.
  {f"With its reduction SPIN visits, of the models by hand: {reduced}." if reduced else ""}
* Our peers' models were written by us. Where the exported one is faster than the one by hand, both are there to be improved.
"""
