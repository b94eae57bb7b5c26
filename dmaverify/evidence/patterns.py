"""Patterns of ``is``, ``match`` and ``on``, matched against plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dmaverify.evidence.values import ABSENT
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import ConstSym, EnumCase, FlagMember, LocalSym

if TYPE_CHECKING:
    from dmaverify.evidence.evaluate import Env, Evaluator


def match(pattern: ast.Pattern, value: Any, env: Env, evaluator: Evaluator) -> Any:
    """True, False, or ABSENT where it cannot be told. Names that the pattern binds are put into ``env``."""
    if isinstance(pattern, ast.PatWild):
        return True
    if isinstance(pattern, ast.PatName) and isinstance(pattern.ref, LocalSym):
        return _bind(pattern, pattern.ref, value, env)
    if value is ABSENT:
        _bind_all(pattern, env)
        return ABSENT
    if isinstance(pattern, ast.PatAlt):
        outcomes = [match(p, value, env, evaluator) for p in pattern.items]
        return True if True in outcomes else ABSENT if ABSENT in outcomes else False
    if isinstance(pattern, ast.PatLit):
        return bool(value == evaluator.value(pattern.value, env))
    if isinstance(pattern, ast.PatTuple):
        return False if value is None else _all(pattern.items, value, env, evaluator)
    assert isinstance(pattern, ast.PatName)
    ref = pattern.ref
    if isinstance(ref, EnumCase):
        if pattern.args:
            if not isinstance(value, tuple) or value[0] != ref.name:
                return False
            return _all(pattern.args, value[1:], env, evaluator)
        return bool((value[0] if isinstance(value, tuple) else value) == ref.name)
    if isinstance(ref, FlagMember):
        return bool(value == frozenset([ref.name]))
    if isinstance(ref, ConstSym) and ref.value is not None:
        return bool(value == evaluator.value(ref.value, {}))
    return ABSENT


def _bind(pattern: ast.PatName, ref: LocalSym, value: Any, env: Env) -> Any:
    env[ref.key] = value
    if isinstance(pattern.ty, sem.OptT) and not isinstance(ref.ty, sem.OptT):
        return value if value is ABSENT else value is not None
    return True


def _bind_all(pattern: ast.Pattern, env: Env) -> None:
    """Whatever the pattern would bind is not known."""
    if isinstance(pattern, ast.PatName):
        if isinstance(pattern.ref, LocalSym):
            env[pattern.ref.key] = ABSENT
        for p in pattern.args or []:
            _bind_all(p, env)
    elif isinstance(pattern, ast.PatTuple):
        for p in pattern.items:
            _bind_all(p, env)


def _all(patterns: list[ast.Pattern], values: Any, env: Env, evaluator: Evaluator) -> Any:
    outcome: Any = True
    for p, v in zip(patterns, values, strict=False):
        one = match(p, v, env, evaluator)
        if one is False:
            return False
        outcome = ABSENT if one is ABSENT else outcome
    return outcome
