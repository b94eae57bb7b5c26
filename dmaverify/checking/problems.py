"""What becomes of exceptions: wrong input is told as the compiler tells it, everything else is an error of
the tool.
"""

from __future__ import annotations


class WrongInput(Exception):
    """Something that the user asked for cannot be: an unknown property, a folder without scenarios. The
    text is for them.
    """


class Mismatch(Exception):
    """A claim of an engine that the reference interpreter does not confirm, or two engines that disagree."""


def wrong_input(error: BaseException) -> list[str] | None:
    """The error as diagnostics ready to print, or None if the user is not to blame for it."""
    if isinstance(error, WrongInput):
        return [f"error: {error}"]
    diagnostics = getattr(error, "diagnostics", None)
    if (
        isinstance(diagnostics, list) and diagnostics
    ):  # the compiler's DmaError; importing it here would cost startup
        return [d.render() for d in diagnostics]
    return None


def internal_error(error: BaseException) -> str:
    """One clear message about an error of the tool itself, and what to do about it."""
    where = _origin(error)
    kind = type(error).__name__
    what = str(error).strip().split("\n")[0] or kind
    label = what if isinstance(error, Mismatch) else f"{kind}: {what}"
    return (
        f"internal error: {label}{where}\n"
        "  This is a defect of dmaverify, not of the model; no verdict follows from it.\n"
        "  Please report it with the scenario file, the command and the output of the same command "
        "with --debug."
    )


def _origin(error: BaseException) -> str:
    tb = error.__traceback__
    if tb is None:
        return ""
    while tb.tb_next is not None:
        tb = tb.tb_next
    code = tb.tb_frame.f_code
    name = code.co_filename.rsplit("dmaverify/", 1)[-1]
    return f"  ({name}:{tb.tb_lineno}, in {code.co_name})"
