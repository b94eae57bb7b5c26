"""The parser: each construct of the language becomes the tree that it should, at the right place."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from lark import logger

from dmaverify.lang import ast, tables
from dmaverify.lang.build_scenario import FileBuilder
from dmaverify.lang.diag import Diagnostics, DmaError, Source
from dmaverify.lang.parse import parse_file, parse_text
from dmaverify.lang.tables import grammar, grammar_text
from dmaverify.lang.tree import children, dump, replaced, same, walk

DATA = Path(__file__).parent / "data" / "lang"
SAMPLES = sorted(DATA.glob("*.dma"))


def show(e: ast.Expr) -> str:
    """An expression with every bracket written."""
    match e:
        case ast.Binary():
            return f"({show(e.left)} {e.op} {show(e.right)})"
        case ast.Unary():
            return f"({e.op} {show(e.operand)})"
        case ast.Range():
            return f"({show(e.lo)} {e.op} {show(e.hi)})"
        case ast.IntLit():
            return str(e.value)
        case ast.Name():
            return e.name
        case ast.IsPattern():
            return f"({show(e.base)} is {type(e.pattern).__name__})"
        case ast.Field():
            return f"{show(e.base)}.{e.name}"
        case ast.Call():
            return f"{show(e.func)}({', '.join(show(a.value) for a in e.args)})"
        case ast.Quant():
            return f"({e.kind} {' '.join(n for b in e.binders for n in b.names)}: {show(e.body)})"
        case ast.Choice():
            return f"({e.kind} {e.binder.names[0]}{': ' + show(e.value) if e.value else ''})"
        case ast.UnitOf():
            return f"({show(e.base)} {e.unit})"
        case ast.Cast():
            return f"({show(e.base)} {'wrap' if e.wrap else 'as'} {e.type.name})"
    return type(e).__name__


def expr(text: str) -> ast.Expr:
    """The expression, parsed as the body of a func."""
    module = parse_text(f"module m\nfunc f() = {text}\n")
    (func,) = module.items
    assert isinstance(func, ast.FuncDecl)
    assert isinstance(func.body, ast.Expr)
    return func.body


def stmts(text: str) -> list[ast.Stmt]:
    """Statements, parsed as the body of a proc."""
    module = parse_text("module m\nproc f() {\n" + text + "\n}\n")
    (proc,) = module.items
    assert isinstance(proc, ast.ProcDecl)
    assert isinstance(proc.body, ast.Block)
    return proc.body.stmts


def decls(name: str) -> dict[str, ast.Decl]:
    """The declarations of a sample."""
    tree = parse_file(DATA / f"{name}.dma")
    return {d.name: d for d in tree.items if isinstance(d, ast.Decl)}


# ---- the grammar itself


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    """lark would settle a shift/reduce conflict by itself and say so at this level only."""
    logger.addHandler(caplog.handler)
    logger.setLevel(logging.DEBUG)
    try:
        tables.lark_of(grammar_text(), debug=True)
    finally:
        logger.setLevel(logging.CRITICAL)
        logger.removeHandler(caplog.handler)
    assert [r.getMessage() for r in caplog.records if "onflict" in r.getMessage()] == []


def test_the_tables_that_are_kept_are_those_of_the_grammar() -> None:
    """Write them anew: python -m dmaverify.lang.tables"""
    kept = (Path(tables.__file__).parent / "tables.json").read_text(encoding="utf-8")
    assert kept == tables.as_text(tables.make(grammar_text()))


def test_every_rule_with_a_node_has_its_method_and_no_method_is_left_over() -> None:
    handlers = FileBuilder(Source("x", ""), Diagnostics()).handlers()
    rules = {r.name for r in grammar().rules if not r.splice}
    assert set(handlers) <= rules
    # A rule without a method hands on its only child.
    for rule in grammar().rules:
        if rule.name not in handlers and not rule.splice:
            assert len(rule.keep) == 1, rule.name


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_samples_parse_and_spans_nest(path: Path) -> None:
    tree = parse_file(path)
    lines = path.read_text().split("\n")
    for node in walk(tree):
        s = node.span
        assert (s.line, s.column) < (s.end_line, s.end_column), node
        assert lines[s.line - 1][s.column - 1] not in " \n"
        assert lines[s.end_line - 1][s.end_column - 2] not in " \n"
        for child in children(node):
            if isinstance(child, ast.Type) or isinstance(
                node, ast.Const | ast.VarDecl | ast.Ghost | ast.Binder
            ):
                continue  # shared between the names of one declaration
            c = child.span
            assert (s.line, s.column) <= (c.line, c.column), (node, child)
            assert (c.end_line, c.end_column) <= (s.end_line, s.end_column), (node, child)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_the_same_text_is_the_same_tree(path: Path) -> None:
    first, second = parse_file(path), parse_file(path)
    assert same(first, second)
    assert dump(first) == dump(second)
    # … and leaving out anything at all is a difference.
    assert isinstance(second, ast.Module | ast.Scenario)
    second.items.pop()
    assert not same(first, second)


# ---- expressions


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("1 << a + 2", "(1 << (a + 2))"),
        ("map & region(p, o) == 0", "((map & region(p, o)) == 0)"),
        ("a | b ^ c & d", "(a | (b ^ (c & d)))"),
        ("not a == b and c", "((not (a == b)) and c)"),
        ("a or b and c", "(a or (b and c))"),
        ("a => b => c", "(a => (b => c))"),
        ("a and b => c or d", "((a and b) => (c or d))"),
        ("-a.b + ~c", "((- a.b) + (~ c))"),
        ("a not in b +.. c + 1", "(a not in (b +.. (c + 1)))"),
        ("x within a .. b and y", "((x within (a .. b)) and y)"),
        ("x is a and y", "((x is PatName) and y)"),
        ("x is (A | B) or y", "((x is PatAlt) or y)"),
        ("a ?? b ?? c == d", "(((a ?? b) ?? c) == d)"),
        ("page pages << 12", "((page pages) << 12)"),
        ("-x as i64 + 1", "((- (x as i64)) + 1)"),
        ("a + b wrap u8 * c", "(a + ((b wrap u8) * c))"),
        ("a and all x in S: b or c", "(a and (all x: (b or c)))"),
        ("not some x in S: b and not none y in T: c", "(not (some x: (b and (not (none y: c)))))"),
        ("first x in S where x > 1 : x + 1", "(first x: (x + 1))"),
        ("(first x in S) + 1", "((first x) + 1)"),
        ("(a < b) == (c < d)", "((a < b) == (c < d))"),
        ("all i, j in S, k in T: i", "(all i j k: i)"),
        ("4K + 0x1_0 + 0b11 + 2M", "(((4096 + 16) + 3) + 2097152)"),
    ],
)
def test_how_operators_bind(text: str, tree: str) -> None:
    assert show(expr(text)) == tree


def test_the_where_of_a_quantifier_may_hold_a_quantifier() -> None:
    e = expr("all x in S where none y in T: x == y : some z in U: z == x")
    assert isinstance(e, ast.Quant)
    assert isinstance(e.where, ast.Quant)
    assert e.where.kind == "none"
    assert isinstance(e.body, ast.Quant)
    assert e.body.kind == "some"


def test_sets_records_and_blocks_are_told_apart() -> None:
    assert isinstance(expr("{}"), ast.SetLit)
    assert isinstance(expr("{a, b,}"), ast.SetLit)
    assert isinstance(expr("{ x + 1 for x in S where x > 0 }"), ast.SetComp)
    record = expr("Leaf { to, perm: {R}, 3 }")
    assert isinstance(record, ast.RecordLit)
    assert [(i.name, type(i.value)) for i in record.inits] == [
        (None, ast.Name),
        ("perm", ast.SetLit),
        (None, ast.IntLit),
    ]
    (branch,) = stmts("if x == y { a = 1 }")
    assert isinstance(branch, ast.If)
    assert show(branch.cond) == "(x == y)"
    (branch,) = stmts("if e & prot { A, B } == prot {} { a = 1 }")
    assert isinstance(branch, ast.If)
    assert show(branch.cond) == "((e & RecordLit) == RecordLit)"
    (loop,) = stmts("for x in {a, b} { touch(Leaf { x }) }")
    assert isinstance(loop, ast.For)
    assert isinstance(loop.binders[0].domain, ast.SetLit)
    choice = expr("if a { {zero} } else if b { {} } else match c { _ -> {one} }")
    assert isinstance(choice, ast.IfExpr)
    assert isinstance(choice.orelse, ast.IfExpr)
    assert isinstance(choice.orelse.orelse, ast.MatchExpr)


def test_choices_and_folds() -> None:
    found = expr("one w in Window where v in w : w.attr")
    assert isinstance(found, ast.Choice)
    assert (found.kind, found.binder.names) == ("one", ["w"])
    typed = expr("any e : Extent where e.count == 1")
    assert isinstance(typed, ast.Choice)
    assert isinstance(typed.binder.type, ast.TypeName)
    assert isinstance(expr("any bool"), ast.AnyType)
    assert isinstance(expr("any of {1, 2}"), ast.AnyIn)
    assert isinstance(expr("any in reach(d)"), ast.AnyIn)
    fold = expr("count x in S where x > 1")
    assert isinstance(fold, ast.Fold)
    assert fold.value is None


def test_soft_keywords_are_names_where_nothing_else_fits() -> None:
    call = expr("f(none, old, new, any, first, last, all, at, line, drop, order, pages, check: state, from)")
    assert isinstance(call, ast.Call)
    assert all(isinstance(a.value, ast.Name) for a in call.args)
    assert [a.name for a in call.args if a.name] == ["check"]
    assert isinstance(expr("old x"), ast.Old)
    assert isinstance(expr("new Table"), ast.New)
    assert isinstance(expr("fault vmap"), ast.FaultExpr)
    assert isinstance(expr("take fb"), ast.Take)
    assert isinstance(expr("driver at live"), ast.AtLabel)
    assert isinstance(expr("option.fast"), ast.OptionRef)
    names = stmts("at = line;  drop(at)\nlet order = from\nregion(at)\npush at to line\nwait = 3")
    assert [type(s) for s in names] == [ast.Assign, ast.CallStmt, ast.Let, ast.CallStmt, ast.Push, ast.Assign]


def test_waiting_for_what_is_not() -> None:
    (wait,) = stmts("wait not full")
    assert isinstance(wait, ast.Wait) and isinstance(wait.cond, ast.Unary)
    (value,) = stmts("x = 1 not in wait")
    assert isinstance(value, ast.Assign)


def test_messages_hold_expressions() -> None:
    (check,) = stmts('assert a, "{x.y} is {a + 1} of {{4}} \\"items\\""')
    assert isinstance(check, ast.Assert)
    assert check.message is not None
    parts = [p if isinstance(p, str) else show(p) for p in check.message.parts]
    assert parts == ["x.y", " is ", "(a + 1)", ' of {4} "items"']


# ---- statements


def test_ends_of_lines() -> None:
    found = stmts(
        """
        a = b +
            c
          + d
        e = f
            and g
        if a
           and b
        {
            c = 1
        }
        else { c = 2 }
        h = i(
            j,
            k
        ).l
        match m {
            0 -> n = 1
            -EBUSY -> n = 2
            else -> n = 3
        }
        choose { a = 1 }
        or { a = 2 }; b = 3;
        """
    )
    assert [type(s).__name__ for s in found] == [
        "Assign",
        "Assign",
        "If",
        "Assign",
        "Match",
        "Choose",
        "Assign",
    ]
    first, match = found[0], found[4]
    assert isinstance(first, ast.Assign)
    assert show(first.values[0]) == "((b + c) + d)"
    assert isinstance(match, ast.Match)
    assert [len(arm.patterns) for arm in match.arms] == [1, 1, 0]


def test_labels_belong_to_the_next_statement() -> None:
    first, second, third = stmts("a:\n  b = 1\nc: d = 2\n e:")
    assert isinstance(first, ast.Labelled)
    assert isinstance(first.stmt, ast.Assign)
    assert isinstance(second, ast.Labelled)
    assert second.label == "c"
    assert isinstance(third, ast.Labelled)
    assert third.stmt is None


def test_else_clauses() -> None:
    let, call, assign, pop = stmts(
        "let a, b = f() else return null\n"
        "g() else { h();  continue }\n"
        "a = f()\n  else goto out\n"
        "pop from l else break"
    )
    assert isinstance(let, ast.Let)
    assert let.orelse is not None
    assert isinstance(let.orelse.stmts[0], ast.Return)
    assert isinstance(call, ast.CallStmt)
    assert call.orelse is not None
    assert len(call.orelse.stmts) == 2
    assert isinstance(assign, ast.Assign)
    assert assign.orelse is not None
    assert isinstance(assign.orelse.stmts[0], ast.Goto)
    assert isinstance(pop, ast.Let)
    assert pop.names == []
    assert isinstance(pop.values[0], ast.Pop)


def test_loops() -> None:
    c_for, bounded, endless = stmts(
        "for i: u32 = 0; i < n; i += 2 at most 8 { f(i) }\n"
        "while a at most 3 invariant b invariant c decreases d { f() }\n"
        "loop at most 4 { break }"
    )
    assert isinstance(c_for, ast.CFor)
    assert (c_for.name, show(c_for.cond)) == ("i", "(i < n)")
    assert isinstance(c_for.step, ast.OpAssign)
    assert c_for.step.op == "+"
    assert isinstance(c_for.bound, ast.IntLit)
    assert isinstance(bounded, ast.While)
    assert (len(bounded.invariants), bounded.decreases is not None) == (2, True)
    assert isinstance(endless, ast.Loop)
    assert show(endless.bound or ast.NullLit(endless.span)) == "4"


def test_every_kind_of_statement_is_in_the_sample() -> None:
    tree = parse_file(DATA / "statements.dma")
    kinds = {type(n) for n in walk(tree) if isinstance(n, ast.Stmt)}
    others = {type(n) for n in walk(parse_file(DATA / "declarations.dma")) if isinstance(n, ast.Stmt)}
    every = {k for k in vars(ast).values() if isinstance(k, type) and issubclass(k, ast.Stmt)} - {ast.Stmt}
    assert every == kinds | others


def test_every_kind_of_expression_type_and_pattern_is_in_the_samples() -> None:
    kinds = {type(n) for p in SAMPLES for n in walk(parse_file(p))}
    wanted = {
        k
        for k in vars(ast).values()
        if isinstance(k, type) and issubclass(k, ast.Expr | ast.Type | ast.Pattern | ast.Decl)
    }
    assert wanted - kinds == {ast.Expr, ast.Type, ast.Pattern, ast.Decl}


# ---- declarations


def test_declarations() -> None:
    d = decls("declarations")
    assert isinstance(d["LIMIT"], ast.Const)
    assert isinstance(d["LIMIT"].value, ast.IntLit)
    assert (d["LIMIT"].value.value, d["LIMIT"].value.sized) == (4096, True)
    assert d["WIDE"].is_open
    assert d["NARROW"].is_open
    assert d["take"].is_replace
    swap = d["swap"]
    assert isinstance(swap, ast.ProcDecl)
    assert (swap.is_replace, swap.not_atomic, swap.is_atomic) == (True, True, False)
    mode = d["Mode"]
    assert isinstance(mode, ast.EnumDecl)
    assert [(c.name, len(c.payload)) for c in mode.cases] == [
        ("idle", 0),
        ("busy", 0),
        ("waiting", 1),
        ("pair", 2),
    ]
    bits = d["bits8"]
    assert isinstance(bits, ast.BitsDecl)
    assert [(f.name, f.hi, f.lo) for f in bits.fields] == [("HIGH", 7, 4), ("ONE", 0, 0), ("TWO", 1, 1)]
    entry = d["Entry"]
    assert isinstance(entry, ast.RecordDecl)
    assert entry.doc == "A value."
    assert isinstance(entry.fields[2].type, ast.TypeNullable)
    index = d["Line"]
    assert isinstance(index, ast.IndexDecl)
    assert index.memory == "memory"
    assert isinstance(index.by, ast.OptionRef)
    assert isinstance(d["Cell"], ast.IndexDecl)
    assert d["Cell"].by is None
    state = d["state"]
    assert isinstance(state, ast.VarDecl)
    assert isinstance(state.type, ast.TypeMap)
    assert len(state.type.keys) == 2
    both = d["both"]
    assert isinstance(both, ast.FuncDecl)
    assert both.results is not None
    assert [r.name for r in both.results] == ["low", "high"]
    step = d["step"]
    assert isinstance(step, ast.ProcDecl)
    assert step.is_atomic
    assert step.depth is not None
    assert (len(step.requires), len(step.ensures)) == (1, 1)
    assert any(isinstance(n, ast.Result) for n in walk(step.ensures[0]))
    assert [(p.name, p.by_ref, p.default is not None) for p in step.params] == [
        ("n", True, False),
        ("by", False, True),
    ]
    lemma = d["let_in"]
    assert isinstance(lemma, ast.Lemma)
    assert isinstance(lemma.body, ast.LetExpr)
    assert [b.names[0] for b in lemma.binders] == ["m", "n", "o"]
    assert isinstance(d["taken(_, busy)"], ast.Cover)
    assert isinstance(d["reached"], ast.Cover)


def test_module_header_and_doc() -> None:
    tree = parse_file(DATA / "declarations.dma")
    assert isinstance(tree, ast.Module)
    assert tree.name == "sample.declarations"
    assert tree.amends is not None
    assert tree.amends.text == "sample.base"
    assert tree.doc == "A module with one of each declaration."
    assert [i.module.text for i in tree.items if isinstance(i, ast.Import)] == [
        "sample.first",
        "sample.second",
    ]


def test_monitors() -> None:
    d = decls("monitors")
    once, bound = d["once"], d["bound"]
    assert isinstance(once, ast.Monitor)
    assert [g.name for g in once.ghosts] == ["owner", "seen", "gone"]
    assert [len(h.patterns) for h in once.handlers] == [1, 3, 0]
    assert isinstance(once.handlers[1].patterns[1], ast.PatAlt)
    assert [(a.stable, len(a.binders)) for a in once.always] == [
        (False, 0),
        (True, 1),
        (False, 2),
        (False, 0),
        (True, 0),
    ]
    assert once.always[1].binders[0].domain is None
    assert once.doc == "Nothing is taken twice."
    assert (len(once.lemmas), len(once.covers), len(once.procs), len(once.funcs)) == (1, 1, 1, 1)
    assert isinstance(bound, ast.Monitor)
    assert (bound.code, len(bound.params), bound.applies is not None) == ("DMA191", 2, True)


def test_scenario() -> None:
    tree = parse_file(DATA / "board.dma")
    assert isinstance(tree, ast.Scenario)
    assert (tree.name, tree.title) == ("board", "a board and what runs on it")
    hardware = next(i for i in tree.items if isinstance(i, ast.Hardware))
    assert [(s.name, s.negated, s.value is not None, s.block is not None) for s in hardware.settings] == [
        ("page", False, True, False),
        ("line", False, True, False),
        ("outer", False, False, False),
        ("speculative_fill", True, False, False),
        ("pbmt", False, True, False),
        ("smmu", False, True, True),
    ]
    d = {x.name: x for x in tree.items if isinstance(x, ast.Decl)}
    vram = d["vram"]
    assert isinstance(vram, ast.Region)
    assert [s.name for s in vram.settings] == ["at", "aligned", "size", "no_map", "EXCLUSIVE"]
    nic = d["nic"]
    assert isinstance(nic, ast.Device)
    assert [s.name for s in nic.settings] == ["behind", "stream", "mask", "coherent_mask", "snoops"]
    assert isinstance(nic.settings[2].value, ast.AnyType)
    driver = d["driver"]
    assert isinstance(driver, ast.Client)
    assert [s.name for s in driver.holding] == ["fb", "small"]
    assert isinstance(driver.while_, ast.AtLabel)
    assert len(driver.mays) == 3
    probe = d["probe"]
    assert isinstance(probe, ast.Sequence)
    assert (probe.irq, probe.before) == (True, ["driver"])
    options = [i for i in tree.items if isinstance(i, ast.OptionSet)]
    assert [o.name for o in options] == ["strict", "linux.drivers.queue.size"]
    assert isinstance(options[0].value, ast.BoolLit)


def test_checks_and_expectations() -> None:
    tree = parse_file(DATA / "board.dma")
    checks = [i for i in tree.items if isinstance(i, ast.Check)]
    assert [(c.all, c.only, [p.text for p in c.props]) for c in checks] == [
        (True, False, []),
        (False, True, ["zeroing", "bound(nic, vram)"]),
    ]
    items = [e for i in tree.items if isinstance(i, ast.Expect) for e in i.items]
    assert [(e.verdict, e.steps, e.bound, e.blame, e.blame_text) for e in items] == [
        ("holds", None, None, None, None),
        ("holds", None, 20, None, None),
        ("violated", (6, 6), None, "driver", "frees twice"),
        ("n/a", None, None, None, None),
        ("unreachable", None, None, None, None),
        ("vacuous", None, None, None, None),
        ("holds", None, None, None, None),
        ("violated", None, None, None, None),
    ]
    assert items[0].subject == "all"
    assert items[6].subject == "others"


def test_variants() -> None:
    d = decls("board")
    v3, wrong, also = d["v3"], d["wrong"], d["also"]
    assert isinstance(v3, ast.Variant)
    assert v3.base_variant == "v2"
    kinds = [type(i).__name__ for i in v3.items]
    assert kinds == [
        "Hardware", "Device", "ParamDecl", "ProcDecl", "ReplaceStep",
        "DropStep", "Start", "Start", "Faults", "Remove",
    ]  # fmt: skip
    assert isinstance(wrong, ast.Variant)
    assert (wrong.for_all, wrong.but, wrong.title) == (True, ["v3"], "what a mutant breaks")
    assert isinstance(also, ast.Variant)
    assert also.for_names == ["base", "v2"]


# ---- trees


def test_replaced_copies_only_the_path_down() -> None:
    tree = parse_text("module m\nproc f() { a = 1;  if b { c = 2 } }\nproc g() {}\n")
    old = next(n for n in walk(tree) if isinstance(n, ast.Assign) and show(n.values[0]) == "2")
    other = tree.items[1]
    fresh = replaced(tree, old, ast.Break(old.span))
    assert any(isinstance(n, ast.Break) for n in walk(fresh))
    assert not any(isinstance(n, ast.Break) for n in walk(tree))
    assert fresh.items[1] is other
    assert not same(fresh, tree)
    gone = replaced(tree, old, None)
    assert old not in walk(gone)


def test_spans_are_exact() -> None:
    tree = parse_text("module m\nfunc f() =\n  (a + b.c[d]) * 3\n")
    product = next(n for n in walk(tree) if isinstance(n, ast.Binary) and n.op == "*")
    index = next(n for n in walk(tree) if isinstance(n, ast.Index))
    assert (product.op_span.line, product.op_span.column) == (3, 16)
    assert (index.span.line, index.span.column, index.span.end_column) == (3, 8, 14)


def test_windows_line_ends_and_byte_order_marks_are_no_matter() -> None:
    text = "module m\nconst A : u32 = 1\n"
    assert same(parse_text(text), parse_text("\ufeff" + text.replace("\n", "\r\n")))


def test_several_mistakes_in_one_run() -> None:
    text = (
        "module m\nproc a() { let = 3 }\nfunc b() = 1 +\nproc c() {\n  x y\n}\nconst D : u8 = 1\nfunc e() 2\n"
    )
    with pytest.raises(DmaError) as caught:
        parse_text(text)
    assert [(d.code, d.span.line) for d in caught.value.diagnostics] == [
        ("DMA001", 2),
        ("DMA001", 4),  # what is missing on line 3 shows where the next declaration starts
        ("DMA001", 5),
        ("DMA001", 8),
    ]
