"""The text form: every System parses back to itself, and what is no System is refused at the right place."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest

from dmaverify.ir import system as ir
from dmaverify.ir.expr import FALSE, TRUE, Expr, const, eq, input_, not_, raw, select, var
from dmaverify.ir.ops import OPS
from dmaverify.ir.system import (
    Action,
    Always,
    Check,
    Cover,
    Emit,
    Frame,
    Input,
    Kind,
    LockOp,
    Part,
    Property,
    Reached,
    System,
    Thread,
    Var,
)
from dmaverify.ir.text import expr_text, to_text
from dmaverify.ir.text_lex import KEYWORDS, IrSyntaxError, name_text, tokenize
from dmaverify.ir.text_parse import parse
from dmaverify.ir.types import BOOL, Enum, Flags, Index, Int, Map, Mask, Opt, Range, Record, Type
from dmaverify.span import NOWHERE, Span
from tests.support.op_engines import signatures
from tests.support.random_expr import BUFFER, PAGE, SLOT, SMALL_TYPES, ExprMaker, random_value, raw_build
from tests.support.random_system import random_system

U8 = Int(8)


def back(system: System) -> System:
    """There and back, and there again: the text is settled, too."""
    text = to_text(system)
    parsed = parse(text)
    assert to_text(parsed) == text
    return parsed


def holding(*conditions: Expr, variables: dict[str, Type]) -> System:
    """A System around some conditions."""
    return System(
        "conditions",
        tuple(Var(n, t, t.default) for n, t in variables.items()),
        (),
        covers=tuple(Cover(f"c{n}", c) for n, c in enumerate(conditions)),
    )


def test_random_systems_parse_back(rounds: Callable[[int, int], int]) -> None:
    rng = random.Random(11)
    for _ in range(rounds(150, 1500)):
        system = random_system(rng, rng.randint(1, 4), core=rng.random() < 0.2)
        assert back(system) == system


def test_random_raw_expressions_parse_back(rounds: Callable[[int, int], int]) -> None:
    """Unsimplified expressions, so that every operator stands below every other."""
    rng = random.Random(12)
    for _ in range(rounds(400, 5000)):
        types = [*SMALL_TYPES, Int(8), Int(32), Int(64, True)]
        variables = {f"x{n}": t for n, t in enumerate(types)}
        leaves = [var(n, t) for n, t in variables.items()]
        e = ExprMaker(rng, leaves, types, raw_build).expr(BOOL, rng.randint(3, 6))
        system = holding(e, variables=variables)
        assert back(system).covers[0].cond is e


def test_every_operator_with_constants_parses_back() -> None:
    """Constants of all types in all places, each with the sign or the brackets that it needs there."""
    rng = random.Random(13)
    for op, types, own, data in signatures():
        result = OPS[op].check(types, own, data)
        for _ in range(3):
            args = tuple(const(random_value(rng, t), t) for t in types)
            e = raw(op, result, args, data)
            condition = (
                e if result == BOOL else raw("eq", BOOL, (e, const(random_value(rng, result), result)))
            )
            action = Action("a", None, None, updates={"x": e})
            system = System(
                "one", (Var("x", result, result.default),), (action,), covers=(Cover("c", condition),)
            )
            parsed = back(system)
            assert parsed.actions[0].updates["x"] is e
            assert parsed.covers[0].cond is condition


SPAN = Span('a "quoted" name.dma', 3, 4, 3, 9)
FURTHER = Span("b.dma", 3, 4, 5, 6)
LOCK = var("lock", BOOL)


def everything() -> System:
    """A System in which every field of every part differs from its default."""
    pc = Range(0, 4)
    x, i = var("x", U8), input_("i", U8)
    check = Check("p", "p.1", LOCK, eq(x, i), ("x is ", x, "", i, " now"), SPAN, True, 1)
    return System(
        'everything \u2028 "and" more',
        (
            Var("x", U8, 3, Kind.STATE, "someone", SPAN, True),
            Var("lock", BOOL, True, span=Span("c.dma", 7, 7, 7, 7)),
            Var("t.pc", pc, 1, Kind.PC, "t", FURTHER),
            Var("g", Opt(BUFFER), (1, True), Kind.GHOST, "m"),
            Var("l", Opt(PAGE), None, Kind.LOCAL, "t", any_init=True),
            Var("n", Int(64), None, Kind.PARAM, any_init=True),
        ),
        (
            Action(
                "t.go",
                "t",
                0,
                not_(LOCK),
                (Input("i", U8, (1, 2)), Input("j", BOOL), Input("k", SLOT, (1,))),
                (check, Emit("e", (("a", x), ("b", i)), LOCK, SPAN), Reached("r", LOCK, FURTHER, 2)),
                {"x": i, "t.pc": const(3, pc), "lock": TRUE},
                const(2, Int(32)),
                (LockOp("acquire", LOCK), LockOp("release", LOCK)),
                (Part("a", LOCK, (("i", i), ("j", TRUE)), 3, True), Part("b", TRUE)),
                'x = i; // "go"\n',
                "cpu0",
                (Frame("outer", SPAN), Frame("inner", NOWHERE)),
                SPAN,
            ),
            Action("nothing", None, None, effects=(Emit("bare", ()),)),
        ),
        (Thread("t", "t.pc", "cpu 0", "hardirq", True, frozenset({3, 4}), frozenset({0}), {"out": 3}, SPAN),),
        (Property("p", "P1", "cover", "a title", False, ("this", "that"), SPAN), Property("q", "", "lemma")),
        (Always("p", "p.2", eq(x, x), LOCK, ("so ", x), (LOCK, not_(LOCK)), SPAN),),
        (Cover("c", LOCK, SPAN),),
        (LOCK, eq(x, const(200, U8))),
        (eq(var("n", Int(64)), const(2**40, Int(64))),),
        ("one note", "another `note`"),
    )


def test_everything_parses_back() -> None:
    system = everything()
    assert back(system) == system
    assert list(back(system).actions[0].updates) == list(system.actions[0].updates)


def test_the_sample_has_everything() -> None:
    """Whoever adds a field to the System must add it to the text form and to the sample above.

    What does not count when two Systems are compared is a remark for readers, and need not be there.
    """

    def parts(value: Any) -> list[Any]:
        if isinstance(value, tuple):
            return [p for v in value for p in parts(v)]
        if dataclasses.is_dataclass(value) and type(value).__module__ == ir.__name__:
            return [value, *(p for f in dataclasses.fields(value) for p in parts(getattr(value, f.name)))]
        return []

    told: set[tuple[str, str]] = set()
    declared: set[tuple[str, str]] = set()
    for part in parts(everything()):
        for f in dataclasses.fields(part):
            if not f.compare:
                continue
            declared.add((type(part).__name__, f.name))
            if f.default is not dataclasses.MISSING:
                plain: Any = f.default
            elif f.default_factory is not dataclasses.MISSING:
                plain = f.default_factory()
            else:
                plain = dataclasses.MISSING
            if plain is dataclasses.MISSING or getattr(part, f.name) != plain:
                told.add((type(part).__name__, f.name))
    assert declared == told


@pytest.mark.parametrize(
    "name", ["owner[3]", "a.b", "a..b", "while", "u8", "é", "x y", "`", '"', "", "3", "a\\n\n", "t1"]
)
def test_any_name_can_be_written(name: str) -> None:
    (token, _) = tokenize(name_text(name))
    assert (token.kind, token.text) == ("name", name)
    e = raw("and", BOOL, (raw("not", BOOL, (var(name, BOOL),)),) * 2)
    shared = raw("or", BOOL, (e, raw("not", BOOL, (e,))))
    system = System(
        name,
        (Var(name, BOOL, False),),
        (Action(name, None, None, guard=shared, updates={name: shared}),),
        covers=(Cover(name, shared),),
    )
    assert back(system) == system


def test_keywords_are_quoted_as_names() -> None:
    for word in KEYWORDS:
        (token, _) = tokenize(name_text(word))
        assert (token.kind, token.text) == ("name", word)


def test_types_of_one_name_are_told_apart() -> None:
    one, two, three = Enum("At", ("a",)), Enum("At", ("a", "b")), Index("At", 3)
    record = Record("At", (("x", one), ("y", Map(three, two))))
    system = holding(
        eq(var("r", record), const((0, (0, 1, 0)), record)),
        eq(var("b", two), const(1, two)),
        eq(var("i", three), const(2, three)),
        variables={"a": one, "b": two, "i": three, "r": record},
    )
    assert back(system) == system


def test_members_of_one_name_are_told_apart() -> None:
    odd, bits = Enum("E", ("x", "x", "y")), Flags("F", ("x", "x"))
    system = System("odd", (Var("e", odd, 1), Var("f", bits, 3), Var("g", bits, 2)), ())
    assert [v.init for v in back(system).vars] == [1, 3, 2]


def test_odd_types_parse_back() -> None:
    types: list[Type] = [
        Opt(Map(Range(-3, -1), Opt(BOOL))),
        Map(BOOL, Map(PAGE, Opt(Range(1, 2)))),
        Opt(Mask(Range(-1, 70))),
        Record("Empty", ()),
        Flags("None", ()),
        Int(1000, True),
        Record("Outer", (("inner", BUFFER), ("é", Opt(BUFFER)))),
    ]
    rng = random.Random(3)
    for t in types:
        for _ in range(20):
            system = System("t", (Var("x", t, random_value(rng, t)),), ())
            assert back(system) == system


def test_an_input_may_be_called_like_a_variable() -> None:
    guard = eq(var("x", U8), input_("x", U8))
    system = System("same", (Var("x", U8, 0),), (Action("a", None, None, guard, (Input("x", U8),)),))
    assert back(system).actions[0].guard is guard


def test_names_that_are_not_declared_parse_back() -> None:
    """A System that is not well-formed can still be looked at."""
    guard = eq(var("gone", U8), input_("gone", U8))
    system = System("odd", (), (Action("a", None, None, guard),))
    assert back(system).actions[0].guard is guard


def test_text_is_linear_in_the_graph() -> None:
    """A thousand doublings: 2**1000 words as a tree, a few thousand as a graph."""
    e = var("x", U8)
    for _ in range(1000):
        e = raw("add", U8, (e, e))
    system = holding(eq(e, const(0, U8)), variables={"x": U8})
    text = to_text(system)
    assert len(text) < 60_000
    assert back(system).covers[0].cond is system.covers[0].cond


def test_deep_expressions_parse_back() -> None:
    e, f = var("x", U8), var("b", BOOL)
    for n in range(3000):
        e = raw("ite", U8, (f, const(n % 256, U8), raw("neg", U8, (e,))))
    system = holding(raw("eq", BOOL, (e, e)), variables={"x": U8, "b": BOOL})
    assert back(system).covers[0].cond is system.covers[0].cond


def test_expressions_read_well() -> None:
    m = var("m", Map(SLOT, Opt(PAGE)))
    cell = select(m, const(1, SLOT))
    e = raw("and", BOOL, (raw("present", BOOL, (cell,)), not_(eq(raw("get", PAGE, (cell,)), const(2, PAGE)))))
    assert expr_text(e) == "present(m[Slot#1]) and m[Slot#1]! != Page#2"
    assert expr_text(FALSE) == "false"
    x = var("x", U8)
    y = raw("add", U8, (raw("mul", U8, (x, x)), const(70000 % 256, U8)))
    assert expr_text(raw("sub", U8, (y, y))) == "t1 - t1 where t1 = x * x + 112"


HEAD = """dmaverify-ir 1 "x"
index Page 3
enum At { a, b }
var x: u8 = 0
var s: mask Page = {}
var p: Page? = null
"""


@pytest.mark.parametrize(
    ("body", "place", "message"),
    [
        ("", "7:1", "expected a declaration, found the end"),
        ("cover c: x\nend", "7:10", "expected a condition, this is of type u8"),
        ("cover c: y == x\nend", "7:10", "nothing is called y"),
        ("cover c: x == 256\nend", "7:15", "no value of u8"),
        ("cover c: 1 == x\nend", "7:10", "type of this value is not known"),
        ("cover c: x == 256u8\nend", "7:15", "no value of u8"),
        ("cover c: x + x\nend", "7:10", "condition"),
        ("cover c: x == s\nend", "7:12", "eq"),
        ("cover c: s == {0..9}\nend", "7:16", "3 values"),
        ("cover c: At::c == At::a\nend", "7:14", "no member c"),
        ("cover c: Nix::c == At::a\nend", "7:10", "no such values"),
        ("cover c: Page#3 == p!\nend", "7:15", "no value of Page"),
        ("cover c: p == <3: Page?>\nend", "7:16", "no value of Page"),
        ("cover c: p == <3\nend", "7:15", "no type"),
        ("cover c: (x == 1\nend", "8:1", "expected ')'"),
        ("cover c: x == $\nend", "7:15", "does not begin a word"),
        ('cover c: x == "\nend', "7:15", "does not begin a word"),
        ("cover c: " + "(" * 500 + "\nend", "7:110", "nested too deeply"),
        ("cover c: " + "not " * 500 + "\nend", "7:410", "nested too deeply"),
        ("cover c: x == " + "9" * 9999 + "\nend", "7:15", "too long"),
        ("var y: u99999 = 0\nend", "7:8", "too wide"),
        ("var y: Nix = 0\nend", "7:8", "no type Nix"),
        ("var y: 3..1 = 0\nend", "7:8", "at least one"),
        ("var y: Page?? = null\nend", "7:8", "not a type"),
        ("var y: [u8] -> u8 = []\nend", "7:8", "cannot index"),
        ("var y: [Page] -> u8 = [1, 2]\nend", "7:23", "no value"),
        ("var y: [Page] -> u8 = [1 * 99]\nend", "7:24", "3 cells"),
        ("var y: u8 = true\nend", "7:13", "expected a number"),
        ("index Page 4\nend", "7:7", "declared twice"),
        ("index Q 0\nend", "7:9", "at least one"),
        ("cover c: x == 1 @f9:1:1\nend", "7:17", "no source f9"),
        ("action a set x = 1 set x = 2\nend", "7:20", "set twice"),
        ("action a let t1 = x let t1 = x\nend", "7:25", "named twice"),
        ('property p code "" kind nix\nend', "7:25", "expected one of monitor"),
        ("cover c: new At{}\nend", "7:10", "not the fields"),
        ("end\nend", "8:1", "nothing behind the end"),
        ('cover c: "a\\q" == x\nend', "7:10", "escape"),
    ],
)
def test_errors_say_where_and_why(body: str, place: str, message: str) -> None:
    with pytest.raises(IrSyntaxError) as caught:
        parse(HEAD + body)
    assert f"{caught.value.line}:{caught.value.column}" == place, caught.value
    assert message in caught.value.message


def test_other_versions_are_refused() -> None:
    with pytest.raises(IrSyntaxError, match="version"):
        parse('dmaverify-ir 2 "x"\nend')


def test_mutated_texts_raise_nothing_else(rounds: Callable[[int, int], int]) -> None:
    """Whatever happens to a text, it is read as a System or refused with a place."""
    rng = random.Random(5)
    text = to_text(random_system(random.Random(4), 2)) + to_text(everything())
    for _ in range(rounds(300, 3000)):
        words = list(text[: rng.randrange(200, len(text))])
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(words))
            words[at : at + rng.randint(0, 3)] = rng.choices(
                '(){}[]<>:=.,`"@#0123xu8 -!~\n', k=rng.randint(0, 2)
            )
        with contextlib.suppress(IrSyntaxError):
            parse("".join(words))
