"""A scenario as pytest sees it: a file of variants, each of them properties; a property is a test."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ExceptionChainRepr, ReprFileLocation, ReprTracebackNative

from dmaverify.checking.discover import BASE
from dmaverify.checking.options import Options
from dmaverify.checking.problems import internal_error, wrong_input
from dmaverify.checking.variant import check_variant
from dmaverify.paths import shorten
from dmaverify.pytest_plugin.listing import Listed, Listings, Prop
from dmaverify.report import words
from dmaverify.report.single import headline, place, probes_text, property_text
from dmaverify.results import OK, PropertyResult, ScenarioResult, VariantResult
from dmaverify.span import NOWHERE

MORE = "others"
"""The test for properties (built-in ones, mostly) that only larger instances of a variant have."""

PROBES = "probes"
"""With ``dmaverify_strict``: the test that everything happens that the scenario means to happen."""

STYLES = ("calls", "diff", "full", "off")

_listings: pytest.StashKey[Listings] = pytest.StashKey()


class Refuted(Exception):
    """A property is not as it should be. ``title`` is one line, ``text`` tells everything, ``at`` is the place to look at first."""

    def __init__(self, title: str, text: str, at: tuple[str, int]) -> None:
        super().__init__(title)
        self.title, self.text, self.at = title, text, at


class DmaFile(pytest.File):
    """A scenario file."""

    def collect(self) -> Iterable[pytest.Collector]:
        """Its base and its variants; wrong input is an error of the collection, told as the compiler tells it."""
        file = shorten(self.path)
        try:
            name, variants = _listings_of(self.config).variants(file)
        except Exception as e:
            told = wrong_input(e)
            raise self.CollectError("\n\n".join(told) if told is not None else internal_error(e)) from e
        for listed in variants:
            yield DmaVariant.from_parent(self, name=listed.variant or BASE, file=file, scenario=name, listed=listed)


class DmaVariant(pytest.Collector):
    """One variant. Its properties share one run: what is common to them is worked out once."""

    def __init__(self, *, file: str, scenario: str, listed: Listed, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file, self.scenario, self.listed = file, scenario, listed
        self._runs: list[VariantResult] = []
        self._answers: dict[str, tuple[PropertyResult, VariantResult]] = {}

    def collect(self) -> Iterable[pytest.Item]:
        """Its properties, in the order of reports."""
        for prop in self.listed.props:
            yield DmaProperty.from_parent(self, name=prop.name, prop=prop)
        for name in (*((MORE,) if self.listed.more else ()), *((PROBES,) if self.config.getini("dmaverify_strict") else ())):
            yield DmaProperty.from_parent(self, name=name, prop=Prop(name, "", "builtin", "", self.file, 1))

    def answer(self, name: str) -> tuple[PropertyResult | None, VariantResult]:
        """The verdict on a property (None: there is none) and the run that it is from."""
        if name not in self._answers:
            wanted = self._selected() if not self._runs else (name,)
            self._run(wanted if name in wanted else (name,))
        if name in self._answers:
            return self._answers[name]
        return None, self._runs[-1]

    def any_run(self) -> VariantResult:
        """A run of the variant, whatever it was for."""
        return next((r for r in self._runs if r.asked), None) or self._run(self._selected() or (self.listed.props[0].name,))

    def further(self) -> tuple[tuple[str, ...], VariantResult]:
        """Names of properties that were not listed, which only larger instances have, and the run that decides them."""
        listed = {p.name for p in self.listed.props}
        known = self.any_run()
        names = tuple(n for n in known.asked if n not in listed)
        return names, self._run(names) if names else known

    def _run(self, names: tuple[str, ...]) -> VariantResult:
        config = self.config
        options = Options(
            only=names,
            engine=config.getini("dmaverify_engine"),
            timeout=_seconds(config, "dmaverify_timeout"),
            property_timeout=_seconds(config, "dmaverify_property_timeout"),
            strict=config.getini("dmaverify_strict"),
        )
        result = check_variant(self.file, self.listed.variant, options)
        if result.interrupted:
            raise KeyboardInterrupt
        self._runs.append(result)
        self._answers.update((p.name, (p, result)) for p in result.properties)
        return result

    def _selected(self) -> tuple[str, ...]:
        """The properties that are to be tested in this session."""
        items = (i for i in self.session.items if i.parent is self and isinstance(i, DmaProperty))
        return tuple(i.prop.name for i in items if i.prop.name not in (MORE, PROBES) and i.get_closest_marker("skip") is None)


class DmaProperty(pytest.Item):
    """One property of one variant. It passes if the verdict is what the scenario expects; what was not decided does not pass."""

    def __init__(self, *, prop: Prop, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        assert isinstance(self.parent, DmaVariant)
        self.variant: DmaVariant = self.parent
        self.prop = prop
        self.extra_keyword_matches.update({self.variant.scenario, prop.code or prop.kind})
        self.add_marker(
            pytest.mark.dma(
                scenario=self.variant.scenario,
                variant=self.variant.name,
                property=prop.name,
                code=prop.code,
                kind=prop.kind,
                expects=prop.expects,
            )
        )

    def runtest(self) -> None:
        """Decide it, or take the answer from the run that has decided it."""
        if self.prop.name == MORE:
            names, run = self.variant.further()
            for name in names:
                self._expect(next((p for p in run.properties if p.name == name), None), run)
        elif self.prop.name == PROBES:
            text = probes_text(self.variant.any_run())
            if text:
                raise Refuted(text.split("\n")[0], text, (self.prop.file, self.prop.line))
        else:
            self._expect(*self.variant.answer(self.prop.name))

    def _expect(self, p: PropertyResult | None, run: VariantResult) -> None:
        """Fail unless the verdict is as it should be."""
        if p is None:
            raise self._undecided(run)
        self.user_properties += [("verdict", words.long_word(p)), ("engine", p.engine)]
        for warning in (*run.warnings, *p.warnings):
            self.add_report_section("call", "warning", warning)
        if p.status != OK:
            raise self._refuted(p, run)

    def _refuted(self, p: PropertyResult, run: VariantResult) -> Refuted:
        trace = self.config.getini("dmaverify_trace")
        trace = trace if trace in STYLES else "calls"
        scenario = ScenarioResult(self.variant.file, self.variant.scenario)
        span = place(p, self.variant.file)
        at = (self.prop.file, self.prop.line) if span == NOWHERE else (span.file, span.line)
        return Refuted(headline(p, self.variant.file), property_text(scenario, run, p, trace), at)

    def _undecided(self, run: VariantResult) -> Refuted:
        text = "\n\n".join(run.diagnostics) or run.internal
        if not text:
            text = f"there is no property {self.prop.name} any more; pytest --cache-clear"
        if self.config.get_verbosity() > 0 and run.details:
            text += "\n" + run.details
        return Refuted(text.split("\n")[0], text + "\n", (self.prop.file, self.prop.line))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The counterexample, as ``dmaverify check`` tells it."""
        e = excinfo.value
        if not isinstance(e, Refuted):
            return super().repr_failure(excinfo, style)
        where = ReprFileLocation(os.fspath(e.at[0]), e.at[1], e.title)
        return ExceptionChainRepr([(ReprTracebackNative([e.text]), where, None)])

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The line of the scenario that expects something of it."""
        line = self.prop.line - 1 if _same(self.prop.file, self.path) else None
        return self.path, line, f"{self.variant.scenario}.{self.variant.name}: {self.prop.name}"


def _seconds(config: pytest.Config, setting: str) -> float | None:
    value = config.getini(setting)
    return float(value) if value else None


def _same(file: str, path: Path) -> bool:
    return os.path.abspath(file) == os.path.abspath(path)


def _listings_of(config: pytest.Config) -> Listings:
    if _listings not in config.stash:
        cache = getattr(config, "cache", None)
        config.stash[_listings] = Listings(None if cache is None else cache.mkdir("dmaverify"))
    return config.stash[_listings]
