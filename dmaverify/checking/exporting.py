"""From a file to its text in the language of another tool: what ``dmaverify export`` does."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from dmaverify.checking.frontend import load
from dmaverify.checking.problems import WrongInput
from dmaverify.export.choose import NotExportable, chosen
from dmaverify.export.formats import written


def exported(
    file: str,
    form: str,
    *,
    variant: str | None = None,
    params: Mapping[str, int | str] | None = None,
    prop: str | None = None,
    number: int | None = None,
    fuse: bool = True,
    slice: bool = True,
    depth: int | None = None,
    states: int = 300,
) -> str | bytes:
    """The System of a scenario in a format of ``export.formats``; WrongInput if it cannot be said there.

    ``prop`` None means all properties that the scenario checks, without covers.
    """
    model = load(file, variant, params or {})
    if prop is not None and prop not in model.properties:
        close = get_close_matches(prop, model.properties, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(model.properties)}"
        raise WrongInput(f"there is no property {prop}; {hint}")
    if number is not None and (prop is None or not slice):
        raise WrongInput("slices belong to a property: --slice N needs --for PROPERTY")
    wanted = (prop,) if prop is not None else tuple(p for p in model.properties if p not in model.covers)
    try:
        return written(
            chosen(model.system, wanted, fuse=fuse, slice=slice, number=number), form, depth=depth, states=states
        )
    except NotExportable as e:
        raise WrongInput(f"{file} cannot be written as {form}: {e}") from e
