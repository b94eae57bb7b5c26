"""For tests of ``refine``: a contract about numbers that are given out, a model that gives the lowest one, and questions."""

from __future__ import annotations

from pathlib import Path

from dmaverify.refinement.results import Refinement, VariantAnswer
from dmaverify.refinement.run import refine

PROMISE = """\
module promise
event given(n: u32)
event back(n: u32)
event panic(n: u32)

var owned : [3] -> bool = false

/// Any number that nobody has, or none.
proc get() -> u32? {
    let got: u32? = null
    atomic {
        let refused = any bool
        let n = any i in 0..3 where not owned[i]
        if n is found {
            if not refused {
                owned[found] = true
                got = u32(found)
                emit given(u32(found))
            }
        }
    }
    if false { emit panic(0) }
    return got
}
proc put(n: u32)
    requires n < 3 and owned[n]
{
    atomic {
        owned[n] = false
        emit back(n)
    }
}
"""

MODEL = """\
module lowest
event given(n: u32)
event back(n: u32)
event panic(n: u32)
event looked(n: u32)

option checks : bool = true
var mark : [3] -> bool = false
var lk   : spinlock

proc pick() -> u32? {
    for i in 0..3 {
        if not mark[i] {
            mark[i] = true
            return u32(i)
        }
    }
    return null
}
proc get() -> u32? {
    let got: u32? = null
    lock lk {
        got = pick()
        if got is n { emit looked(n) }
    }
    if got is n { emit given(n) }
    return got
}
proc put(n: u32) {
    lock lk {
        emit back(n)
        mark[n] = false
    }
}
"""

TAKERS = """\
scenario takers
import lowest

client one on cpu0 holding b[1] { may b = get()
                                  may put(take b) }
client two on cpu1 holding b[1] { may b = get()
                                  may put(take b) }
expect refines(promise) holds
"""


def fitted(text: str) -> str:
    """The language has no index by number: a map over a range."""
    return text.replace("[3] -> bool", "0..3 -> bool")


def made_in(folder: Path) -> Path:
    """The contract and the model, on disk."""
    (folder / "models").mkdir()
    (folder / "models" / "promise.dma").write_text(fitted(PROMISE), encoding="utf-8")
    (folder / "models" / "lowest.dma").write_text(fitted(MODEL), encoding="utf-8")
    return folder


def answered(v: VariantAnswer) -> Refinement:
    """The answer, where there has to be one."""
    assert v.answer is not None, (v.diagnostics, v.internal)
    return v.answer


def ask(project: Path, scenario: str = TAKERS, contract: str = "promise", **options: object) -> VariantAnswer:
    """The answer about the last variant of a scenario."""
    file = project / "s.dma"
    file.write_text(scenario, encoding="utf-8")
    report = refine([file], contract, **options)  # type: ignore[arg-type]
    return report.scenarios[0].variants[-1]


def changed(project: Path, old: str, new: str, module: str = "lowest") -> None:
    """Change a module of the project."""
    file = project / "models" / f"{module}.dma"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
