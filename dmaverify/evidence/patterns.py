"""Patterns of ``is``, ``match`` and ``on``, matched against plain values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dmaverify.evidence.evaluate import Env, Evaluator
from dmaverify.evidence.values import ABSENT, known
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import ConstSym, EnumCase, FlagMember, LocalSym


def match(pattern: ast.Pattern, value: Any, env: Env, evaluator: Evaluator) -> Any:
    """True, False, or ABSENT where it cannot be told. Names that the pattern binds are put into ``env``."""
    if isinstance(pattern, ast.PatWild):
        return True
    if isinstance(pattern, ast.PatName) and isinstance(pattern.ref, LocalSym):
        env[evaluator.key(pattern.ref)] = value
        if isinstance(pattern.ty, sem.OptT) and not isinstance(pattern.ref.ty, sem.OptT):
            return ABSENT if value is ABSENT else value is not None
        return True
    if isinstance(pattern, ast.PatTuple) and isinstance(value, tuple):
        return match_all(pattern.items, value, env, evaluator)
    if not known(value):
        _bind_all(pattern, env, evaluator)
        return ABSENT
    if isinstance(pattern, ast.PatAlt):
        outcomes = [match(p, value, env, evaluator) for p in pattern.items]
        return True if True in outcomes else ABSENT if ABSENT in outcomes else False
    if isinstance(pattern, ast.PatLit):
        return bool(value == evaluator.value(pattern.value, env))
    if isinstance(pattern, ast.PatTuple):
        return False
    assert isinstance(pattern, ast.PatName)
    return _match_name(pattern, value, env, evaluator)


def _match_name(pattern: ast.PatName, value: Any, env: Env, evaluator: Evaluator) -> Any:
    ref = pattern.ref
    if isinstance(ref, EnumCase):
        if (value[0] if isinstance(value, tuple) else value) != ref.name:
            return False
        return match_all(pattern.args, value[1:], env, evaluator) if pattern.args else True
    if isinstance(ref, FlagMember):
        return bool(value == frozenset([ref.name]))
    if isinstance(ref, ConstSym):
        said = evaluator.constant(ref)
        return bool(value == said) if known(said) else ABSENT
    return ABSENT


def match_all(patterns: Iterable[ast.Pattern], values: Iterable[Any], env: Env, evaluator: Evaluator) -> Any:
    """Whether each pattern matches the value at its place. All of them are tried, so that all names are
    bound.
    """
    outcome: Any = True
    for p, v in zip(patterns, values, strict=False):
        one = match(p, v, env, evaluator)
        if one is False:
            outcome = False
        elif one is ABSENT and outcome is True:
            outcome = ABSENT
    return outcome


def _bind_all(pattern: ast.Pattern, env: Env, evaluator: Evaluator) -> None:
    """Whatever the pattern would bind is not known."""
    if isinstance(pattern, ast.PatName):
        if isinstance(pattern.ref, LocalSym):
            env[evaluator.key(pattern.ref)] = ABSENT
        for p in pattern.args or []:
            _bind_all(p, env, evaluator)
    elif isinstance(pattern, ast.PatTuple):
        for p in pattern.items:
            _bind_all(p, env, evaluator)
