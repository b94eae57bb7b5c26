"""Verdicts in words: the pieces that the text report is made of."""

from __future__ import annotations

from dmaverify.report.expectations import word_of
from dmaverify.results import OK, ProbeResult, PropertyResult
from dmaverify.verdict import Word


def number(n: int) -> str:
    """``41,206``."""
    return f"{n:,}"


def plural(n: int, noun: str, nouns: str = "") -> str:
    """``1 step``, ``2 steps``."""
    return f"{number(n)} {noun if n == 1 else nouns or noun + 's'}"


def seconds(s: float) -> str:
    """``0.4 s``; ``2 min 5 s`` from two minutes on."""
    return f"{s:.1f} s" if s < 120 else f"{int(s) // 60} min {int(s) % 60} s"


def short_word(p: PropertyResult) -> str:
    """The verdict as it stands in a cell of the summary table."""
    if p.kind == "cover":
        return word_of(p)
    if p.word.holds:
        return "holds"
    if p.word is Word.BOUNDED:
        return f"to {p.depth}"
    if p.word is Word.VACUOUS and p.status == OK:
        return "vacuous"
    return word_of(p)


def long_word(p: PropertyResult) -> str:
    """The verdict with what it rests on: ``exhausted (2,114 states)``, ``VIOLATED [DMA110]``."""
    word = word_of(p)
    if p.kind == "cover":
        return word
    match p.word:
        case Word.EXHAUSTED:
            modulo = " modulo symmetry" if p.symmetric else ""
            return f"{word} ({plural(p.states, 'state')}{modulo}){_rests_on(p)}"
        case Word.PROVED:
            return f"{word} (k = {p.depth or 1}){_rests_on(p)}"
        case Word.BOUNDED:
            return f"{word} ({plural(p.depth or 0, 'step')})"
        case Word.SAMPLED | Word.UNKNOWN:
            return f"{word} ({p.reason})" if p.reason else word
        case Word.VIOLATED:
            return f"{word} [{p.code}]" if p.code else word
    return word


def _rests_on(p: PropertyResult) -> str:
    """`` for every size in 4K..=1T; by contract of pick, whose body is proved for n <= 64``."""
    out = f" for {p.instances}" if p.instances else ""
    for proc in p.contracts:
        body = f", whose body is proved {p.bodies[proc]}" if proc in p.bodies else ""
        out += f"; by contract of {proc}{body}"
    return out


def probe_words(p: ProbeResult) -> str:
    """What it means that a probe is not passed: ``driver: b = dma_alloc_coherent(dev, 4K) never succeeds``."""
    never = {
        "end": "never reaches its end",
        "operation": "never succeeds",
        "slot": "",
        "assume": ": nothing is reachable there",
        "fault": "never happens",
    }[p.kind]
    name = p.name.removesuffix(" ends") if p.kind == "end" else p.name
    said = f"{name}{'' if never.startswith(':') else ' '}{never}".replace(" is held ", " is never held")
    return said if p.reached is False else f"not decided whether this is so: {said}"


def style_of(p: PropertyResult) -> str:
    """How the verdict's word looks on a terminal."""
    if p.status != OK:
        return "bad" if p.word is Word.VIOLATED or p.mismatch.startswith("expected") else "warn"
    return "good" if p.word.holds or p.kind == "cover" else "head"


def length_words(p: PropertyResult) -> str:
    """``6 steps, none shorter``."""
    if p.length is None:
        return ""
    return plural(p.length, "step") + (", none shorter" if p.minimal else ", there may be a shorter one")


def blame_words(p: PropertyResult) -> str:
    """Who is to blame for a violation that the scenario expects, as it says."""
    if p.expected is None or not p.expected.blame or p.word is not Word.VIOLATED:
        return ""
    reason = f' "{p.expected.reason}"' if p.expected.reason else ""
    return {
        "tradeoff": f"accepted as tradeoff{reason}",
        "driver": f"by the driver{reason}",
        "config": f"by the configuration{reason}",
    }.get(p.expected.blame, f"{p.expected.blame}{reason}")


def holds_words(properties: list[PropertyResult]) -> str:
    """What *holds* stands for in a table: which of its two words were used."""
    words = {p.word for p in properties if p.word.holds and p.kind != "cover"}
    if words == {Word.EXHAUSTED}:
        return "holds = exhausted: every reachable state was visited"
    if words == {Word.PROVED}:
        return "holds = proved: in every reachable state at any depth, re-checked by a second solver"
    if not words:
        return ""
    n = sum(p.word is Word.PROVED for p in properties)
    m = sum(p.word is Word.EXHAUSTED and p.kind != "cover" for p in properties)
    return (
        f"holds = exhausted (every reachable state was visited) {number(m)} times, proved {number(n)} times"
    )
