"""The LALR(1) parser: lark turns `grammar.lark` into tables (`tables`), and the loop here runs them.

The loop is our own because the words ask it what the grammar can take (`accepts`), because each node needs
the exact span of what it was made from, and because it must stop by itself on hostile input.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from dmaverify.lang.limits import MAX_STACK
from dmaverify.lang.tables import Rule, grammar
from dmaverify.lang.tokens import SIGN, Token
from dmaverify.lang.words import Words


class Splice(list[Any]):
    """The children of a rule without a node of its own; they become children of the rule around it."""


class SyntaxProblem(Exception):
    """Token `index` cannot stand where it stands, behind `last`; `expected` are the terminals that can."""

    def __init__(self, index: int, terminal: str, last: str, feed: int) -> None:
        super().__init__(terminal)
        self.index = index
        self.terminal = terminal
        self.last = last
        self.feed = feed
        self.expected: set[str] = set()


class _Asked(Exception):
    """The run has come to where it was to say what the grammar can take."""


class TooDeep(Exception):
    """The parser's stack has passed its limit at token `index`."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class Parse:
    """One run over a list of tokens that ends with `$END`;

    `handlers` maps a rule's name to what makes its node.
    """

    def __init__(self, tokens: list[Token], handlers: dict[str, Any]) -> None:
        self._grammar = grammar()
        self._tokens = tokens
        self._handlers = handlers
        self._words = Words(tokens, self._grammar.terminals, self._grammar.starters)
        self._states = [self._grammar.start]
        self._values: list[Any] = []
        self._firsts: list[int] = []
        self._depths: list[int] = []
        self._taken = -1
        self._feeds = 0
        self._ask_at = -1
        self.depth = 0
        """An upper bound of the depth of the tree that was made."""

    def run(self) -> Any:
        """The value of the start rule.  Raises SyntaxProblem or TooDeep."""
        try:
            return self._run()
        except SyntaxProblem as problem:
            # What could have stood there is known exactly only before the parser has tried the wrong token.
            again = Parse(self._tokens, self._handlers)
            again._ask_at = problem.feed
            with suppress(_Asked):
                again._run()
            problem.expected = again._expected()
            raise

    def _run(self) -> Any:
        tokens, words = self._tokens, self._words
        accepts, feed = self._accepts, self._feed
        i, last, ended = 0, "", False
        while True:
            token = tokens[i]
            if token.kind == "$END":
                return self._finish(i, last)
            if token.text == ";" and token.kind is SIGN:
                following = tokens[i + 1]
                useless = following.text == "}" or following.kind == "$END"
                if not useless and last not in ("LBRACE", "BLOCK_OPEN", "SEP", ""):
                    feed("SEP", i, 1, last)
                    words.semicolon()
                    last = "SEP"
                i += 1
                continue
            if token.newline and not ended and words.separates(i, last, accepts):
                feed("SEP", i - 1, 1, last)
                words.separated()
                last, ended = "SEP", True
                continue
            ended = False
            last_before = last
            last, count = words.classify(i, last, accepts)
            feed(last, i, count, last_before)
            i += count

    def _accepts(self, terminal: str) -> bool:
        """Whether the grammar can take `terminal` next; exact, unlike a look into the table."""
        actions = self._grammar.actions
        action = actions[self._states[-1]].get(terminal)
        if action is None:
            return False
        if isinstance(action, int):
            return True
        # Reduce on a copy of the top of the stack: `base` states of the real one are still valid, then
        # `above`.
        base, above = len(self._states), [0][:0]
        while isinstance(action, Rule):
            size = action.size
            if size <= len(above):
                if size:
                    del above[-size:]
            else:
                base -= size - len(above)
                above.clear()
            top = above[-1] if above else self._states[base - 1]
            target = actions[top][action.origin]
            assert isinstance(target, int)
            above.append(target)
            action = actions[target].get(terminal)
        return action is not None

    def _feed(self, terminal: str, i: int, count: int, last: str) -> None:
        actions, states = self._grammar.actions, self._states
        self._feeds += 1
        if self._feeds == self._ask_at:
            raise _Asked
        while True:
            action = actions[states[-1]].get(terminal)
            if isinstance(action, int):
                break
            if action is None:
                raise SyntaxProblem(i, terminal, last, self._feeds)
            self._reduce(action, i)
        states.append(action)
        if len(states) > MAX_STACK:
            raise TooDeep(i)
        self._values.append(self._tokens[i])
        self._firsts.append(i)
        self._depths.append(0)
        self._taken = i + count - 1

    def _reduce(self, rule: Rule, i: int) -> None:
        size = rule.size
        states, values, depths = self._states, self._values, self._depths
        if size:
            children = values[-size:]
            first = self._firsts[-size]
            depth = max(depths[-size:])
            del states[-size:], values[-size:], self._firsts[-size:], depths[-size:]
            children = [children[k] for k in rule.keep]
            for child in children:
                if child.__class__ is Splice:
                    children = [x for c in children for x in (c if c.__class__ is Splice else (c,))]
                    break
        else:
            children, first, depth = [], i, 0
        handler = self._handlers.get(rule.name)
        if handler is not None:
            depth += 1
            tokens = self._tokens
            value = handler(children, tokens[first], tokens[max(first, self._taken)])
        elif rule.splice:
            value = Splice(children)
        else:
            (value,) = children
        target = self._grammar.actions[states[-1]][rule.origin]
        assert isinstance(target, int)
        states.append(target)
        values.append(value)
        self._firsts.append(first)
        depths.append(depth)

    def _finish(self, i: int, last: str) -> Any:
        self._feeds += 1
        if self._feeds == self._ask_at:
            raise _Asked
        while self._states[-1] != self._grammar.end or len(self._states) != 2:
            action = self._grammar.actions[self._states[-1]].get("$END")
            if not isinstance(action, Rule):
                raise SyntaxProblem(i, "$END", last, self._feeds)
            self._reduce(action, i)
        self.depth = self._depths[-1]
        return self._values[-1]

    def _expected(self) -> set[str]:
        """The terminals that the grammar can take next."""
        row = self._grammar.actions[self._states[-1]]
        return {symbol for symbol in row if symbol.isupper() and self._accepts(symbol)}
