"""From steps of a derived System to a trace of the reference System, by the ``parts`` that each action
remembers.
"""

from __future__ import annotations

from collections.abc import Callable

from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Action
from dmaverify.ir.types import Value
from dmaverify.verdict import Step

Evaluate = Callable[[Expr], Value]
"""Value of an expression in the old state of a step, with the step's inputs."""


class Expansion:
    """Collects the reference steps of a trace, one derived step after the other.

    Late parts wait until their thread moves again. Input values are codes; ``Flat.decode_trace`` makes values
    of them.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.length = 0
        self._waiting: dict[str, list[tuple[Step, int]]] = {}

    def add(self, action: Action, evaluate: Evaluate, last: int | None = None) -> None:
        """Take ``action``; with ``last`` only its parts up to that one, because a check fails there."""
        waiting = self._waiting.pop(action.thread, []) if action.thread is not None else []
        for step, weight in waiting:
            self._append(step, weight)
        late: list[tuple[Step, int]] = []
        for part in action.parts if last is None else action.parts[: last + 1]:
            if evaluate(part.path):
                step = Step(part.action, tuple((name, evaluate(value)) for name, value in part.bindings))
                if part.late and last is None:
                    late.append((step, part.weight))
                else:
                    self._append(step, part.weight)
        if late:
            assert action.thread is not None, "only threads have something to do later"
            self._waiting[action.thread] = late

    def _append(self, step: Step, weight: int) -> None:
        self.steps.append(step)
        self.length += weight
