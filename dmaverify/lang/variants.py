"""The variants of a scenario: their names, and which layers of amendments each is made of."""

from __future__ import annotations

from difflib import get_close_matches

from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostics


def expand(scenario: ast.Scenario, diags: Diagnostics) -> dict[str, list[ast.Variant]]:
    """Variant name to its layers, the one nearest to the scenario first.

    `variant v for all` is one variant for the scenario as it stands, `v`, and one for each plain variant w
    above, `v@w`.
    """
    declared: dict[str, ast.Variant] = {}
    for item in scenario.items:
        if not isinstance(item, ast.Variant):
            continue
        first = declared.setdefault(item.name, item)
        if first is not item:
            diags.error(
                "DMA034",
                f"variant {item.name} is declared twice",
                item.name_span,
                notes=[(first.name_span, "the first time")],
            )
        elif item.name == "base":
            diags.error("DMA034", "`base` is the scenario itself", item.name_span)
    out: dict[str, list[ast.Variant]] = {}
    above: list[str] = []
    for variant in declared.values():
        if variant.for_all or variant.for_names:
            for name in _targets(variant, above, declared, diags):
                layers = [] if name == "base" else out.get(name, [])
                out[variant.name if name == "base" else f"{variant.name}@{name}"] = [
                    *layers,
                    *_own(variant, declared, diags),
                ]
            continue
        out[variant.name] = _own(variant, declared, diags)
        above.append(variant.name)
    return out


def _own(variant: ast.Variant, declared: dict[str, ast.Variant], diags: Diagnostics) -> list[ast.Variant]:
    """The variant with those that it is made `from`, the first of them first."""
    layers = [variant]
    while (name := layers[0].base_variant) is not None and name != "base":
        below = declared.get(name)
        if below is None:
            _unknown(name, layers[0], declared, diags)
            break
        if below in layers:
            diags.error("DMA040", f"variant {name} is made from itself", layers[0].name_span)
            break
        if below.for_all or below.for_names:
            diags.error(
                "DMA040",
                f"variant {name} stands for several, and none can be made from it",
                layers[0].name_span,
            )
            break
        layers.insert(0, below)
    return layers


def _targets(
    variant: ast.Variant, above: list[str], declared: dict[str, ast.Variant], diags: Diagnostics
) -> list[str]:
    for name in (*variant.for_names, *variant.but):
        if name == "base" or name in above:
            continue
        known = declared.get(name)
        if known is None:
            _unknown(name, variant, declared, diags)
        elif known.for_all or known.for_names:
            diags.error("DMA040", f"variant {name} stands for several itself", variant.name_span)
        else:
            diags.error(
                "DMA040",
                f"variant {name} stands below {variant.name}; `for` means those above",
                variant.name_span,
            )
    if variant.for_all:
        return [n for n in ("base", *above) if n not in variant.but]
    return [n for n in dict.fromkeys(variant.for_names) if n == "base" or n in above]


def _unknown(name: str, variant: ast.Variant, declared: dict[str, ast.Variant], diags: Diagnostics) -> None:
    close = get_close_matches(name, declared, 1, 0.6)
    fix = f"Did you mean  {close[0]} ?" if close else None
    diags.error("DMA040", f"there is no variant {name}", variant.name_span, fix=fix)
