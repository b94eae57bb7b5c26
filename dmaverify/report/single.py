"""One verdict by itself, as text: what a test that stands for a property shows when it fails."""

from __future__ import annotations

from dmaverify.report import page, words
from dmaverify.report.counterexample import story_lines
from dmaverify.results import OK, PropertyResult, ScenarioResult, VariantResult
from dmaverify.span import NOWHERE, Span


def property_text(s: ScenarioResult, v: VariantResult, p: PropertyResult, trace: str = "calls") -> str:
    """Why the verdict is not as it should be, and its counterexample if it has one; ``trace`` as for ``check``."""
    why = f"{p.name}: {p.mismatch}\n\n" if p.mismatch else ""
    return why + told(s, v, p, trace)


def told(s: ScenarioResult, v: VariantResult, p: PropertyResult, trace: str = "calls") -> str:
    """The verdict with its counterexample, or with what was never put to the test."""
    if p.story is not None and trace != "off":
        return page.plain(story_lines(s, v, p, trace))
    out = [page.text(f"{p.name} {words.long_word(p)}")]
    out += [page.text(f"  never put to the test: {label}") for label, tested in p.exercised.items() if tested is False]
    if p.again:
        out.append(page.text(f"  again     {p.again}"))
    return page.plain(out)


def probes_text(v: VariantResult) -> str:
    """What never happens in the variant, or may never: one line for each; empty if --strict has nothing against it."""
    return "" if v.probe_status == OK else never_text(v)


def never_text(v: VariantResult) -> str:
    """The same, whether or not the check is strict; empty if everything happens."""
    return "".join(f"{words.probe_words(p)}   {p.span}\n" for p in v.probes if not p.reached)


def headline(p: PropertyResult, file: str) -> str:
    """The same in one line, with the line of the scenario ``file`` where a counterexample ends."""
    failure = p.story.failure if p.story is not None else None
    what = p.mismatch or words.long_word(p)
    if failure is None or failure.span == NOWHERE:
        return what
    at = place(p, file)
    return f"{what} at {at.file}:{at.line}: {failure.message or failure.condition}"


def place(p: PropertyResult, file: str) -> Span:
    """Where to look first: the last statement of the scenario ``file`` before the end of a counterexample, else what it expects.

    An assert that is false often stands in a specification that came with the tool, where nobody would look for a mistake of a model.
    """
    if p.story is not None and p.story.failure is not None:
        for step in reversed(p.story.steps[: p.story.failure.step]):
            span = step.stack[0].span if step.stack else step.span
            if span.file == file:
                return span
        return p.story.failure.span
    return p.expected.span if p.expected is not None else p.span
