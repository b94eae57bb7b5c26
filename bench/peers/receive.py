"""``bench/receive.dma`` for SPIN and for rumur, written by hand: drivers, cards and a cache as their users would write them.

Buffer b is two lines, 2b and 2b + 1, of one of two cards; each page has two more lines, which only the cache touches. A value
is the number of its writer's store modulo three, as in ``spec/hardware``. Every statement that our steps keep apart is one
``d_step`` here, so that the states are the same, one for one. ``kept`` says how many of the drivers keep the DMA address, and
``read`` whether the cards read it from their descriptors: the variants of the scenario.
"""

from __future__ import annotations

from dataclasses import dataclass

ADDRESSES = (0x8000_0000, 0x8001_0000)


@dataclass(frozen=True)
class Receive:
    """One variant. ``kept[n]``: driver n stores the address, and unmaps by it; ``read``: cards look there."""

    kept: tuple[bool, bool] = (False, False)
    read: bool = False


VARIANTS = {
    None: Receive(),
    "left_address": Receive((True, False)),
    "addresses": Receive((True, True), True),
}


def receive_promela(variant: str | None) -> str:
    """Two drivers, two cards, one cache; addresses are a page and an offset, since SPIN's numbers end at 32 bits."""
    v = VARIANTS[variant]
    out = [
        f"/* bench/receive.dma, variant {variant or 'base'}, written by hand */",
        "#define INVALID 0\n#define CLEAN 1\n#define DIRTY 2\n#define NONE 3",
        "byte state[8];                           /* of each line; 0 to 3 hold the buffers */",
        "byte copy[4]; byte memory[4]; byte latest[4] = NONE;",
        "bool posted[2]; bool filled[2];",
    ]
    if any(v.kept):
        out.append("typedef address { int page; int offset };\naddress at[2];")
    out += [
        "",
        "inline cpu_store(l) { d_step { copy[l] = 2; state[l] = DIRTY; latest[l] = 2;",
        "                               if :: memory[l] == 2 -> memory[l] = 0 :: else fi } }",
        "inline clean(l)     { if :: state[l] == DIRTY -> memory[l] = copy[l]; state[l] = CLEAN :: else fi }",
        "inline drop(l)      { d_step { state[l] = INVALID; copy[l] = 0 } }",
        "inline cpu_load(l)  { if :: state[l] == INVALID -> copy[l] = memory[l]; state[l] = CLEAN :: else fi;",
        "                      assert(latest[l] == NONE || copy[l] == latest[l]) }",
        "inline card_store(l) { d_step { memory[l] = 2; latest[l] = 2; if :: copy[l] == 2 -> copy[l] = 0 :: else fi } }",
    ]
    for n, name in enumerate(("left", "right")):
        out += _driver(v, n, name) + _card(v, n, name)
    out += _cache()
    return "\n".join(out) + "\n"


def _driver(v: Receive, n: int, name: str) -> list[str]:
    a, b = 2 * n, 2 * n + 1
    kept = f" at[{n}].page = {ADDRESSES[n] >> 12}; at[{n}].offset = {ADDRESSES[n] & 0xfff};" if v.kept[n] else ""
    out = ["", f"active proctype {name}_driver() {{"]
    if v.kept[n]:
        out.append("    int page; int offset;               /* the argument of dma_unmap_single */")
    own_step = v.kept[n] and v.read
    out += [f"    cpu_store({a}); cpu_store({b});", f"    d_step {{ clean({a}) }};"]
    out.append(f"    d_step {{ clean({b});{kept if kept and not own_step else ''} }};")
    if own_step:
        # somebody else reads it: a step of its own
        out.append(f"    d_step {{{kept} }};")
    for last in (False, True):
        arguments = f" page = at[{n}].page; offset = at[{n}].offset" if v.kept[n] and last else ""
        out += [
            f"    posted[{n}] = true; filled[{n}]; filled[{n}] = false;",
            f"    drop({a}); drop({b});",
            f"    d_step {{ cpu_load({a}) }}; d_step {{ cpu_load({b});{arguments} }};",
        ]
    end = f"d_step {{ state[{b}] = INVALID; copy[{b}] = 0; page = 0; offset = 0 }}" if v.kept[n] else f"drop({b})"
    return [*out, f"    drop({a}); {end};", "end: false", "}"]


def _card(v: Receive, n: int, name: str) -> list[str]:
    a, b = 2 * n, 2 * n + 1
    out = ["", f"active proctype {name}_card() {{"]
    if v.read:
        out.append("    int page; int offset;               /* from the descriptor */")
    out.append("    d_step { true };                 /* it starts */")
    for _ in range(2):
        out.append(f"    posted[{n}]; posted[{n}] = false;")
        if v.read:
            out += [
                f"    d_step {{ page = at[{n}].page; offset = at[{n}].offset }}; card_store({a});",
                f"    d_step {{ memory[{b}] = 2; latest[{b}] = 2; if :: copy[{b}] == 2 -> copy[{b}] = 0 :: else fi;",
                "              page = 0; offset = 0 };",
            ]
        else:
            out.append(f"    card_store({a}); card_store({b});")
        out.append(f"    filled[{n}] = true;")
    return [*out, "end: false", "}"]


def _cache() -> list[str]:
    out = ["", "active proctype cache() {", "end: do"]
    for line in range(8):
        if line < 4:
            out += [
                f"    :: d_step {{ state[{line}] == INVALID -> copy[{line}] = memory[{line}]; state[{line}] = CLEAN }}",
                f"    :: d_step {{ state[{line}] != INVALID -> clean({line}); state[{line}] = INVALID; copy[{line}] = 0 }}",
            ]
        else:
            out += [
                f"    :: d_step {{ state[{line}] == INVALID -> state[{line}] = CLEAN }}",
                f"    :: d_step {{ state[{line}] != INVALID -> state[{line}] = INVALID }}",
            ]
    return [*out, "    od", "}"]


def receive_murphi(variant: str | None) -> str:
    """The same with a program counter for each actor: Murphi has rules, not processes."""
    v = VARIANTS[variant]
    steps = _driver_rules(v) + _card_rules(v)
    addresses = ["  at: array [side] of address;", "  argument: array [side] of address;"] if any(v.kept) else []
    if v.read:
        addresses.append("  seen: array [side] of address;")
    return "\n".join(
        [
            f"-- bench/receive.dma, variant {variant or 'base'}, written by hand",
            f"const NONE: -1; LAST: {max(ADDRESSES)};",
            "type side: 0..1; buffer: 0..3; cacheline: 0..7; value: 0..3; address: NONE..LAST;",
            "var",
            "  state: array [cacheline] of 0..2;         -- invalid, clean, dirty; lines 0 to 3 hold the buffers",
            "  copy, memory, latest: array [buffer] of value;  -- latest 3: nobody has written",
            "  posted, filled: array [side] of boolean;",
            "  driver: array [side] of 0..31; card: array [side] of 0..15;",
            "  round: array [side] of 0..1; passed: array [side] of 0..1;",
            *addresses,
            "",
            "procedure clean(b: buffer); begin if state[b] = 2 then memory[b] := copy[b]; state[b] := 1; end; end;",
            "procedure drop(b: buffer); begin state[b] := 0; copy[b] := 0; end;",
            "procedure store(b: buffer); begin",
            "  copy[b] := 2; state[b] := 2; latest[b] := 2; if memory[b] = 2 then memory[b] := 0; end; end;",
            "procedure load(b: buffer); begin",
            "  if state[b] = 0 then copy[b] := memory[b]; state[b] := 1; end;",
            "  assert \"no stale read\" latest[b] = 3 | copy[b] = latest[b]; end;",
            "procedure card_store(b: buffer); begin",
            "  memory[b] := 2; latest[b] := 2; if copy[b] = 2 then copy[b] := 0; end; end;",
            "",
            "startstate begin",
            "  for l: cacheline do state[l] := 0; end;",
            "  for b: buffer do copy[b] := 0; memory[b] := 0; latest[b] := 3; end;",
            "  for n: side do posted[n] := false; filled[n] := false; driver[n] := 0; card[n] := 0;",
            "    round[n] := 0; passed[n] := 0;",
            *(["    at[n] := NONE; argument[n] := 0;"] if any(v.kept) else []),
            *(["    seen[n] := 0;"] if v.read else []),
            "  end;",
            "end;",
            "",
            "ruleset n: side do",
            *steps,
            "end;",
            "",
            "ruleset l: cacheline do",
            'rule "fill" state[l] = 0 ==> begin if l < 4 then copy[l] := memory[l]; end; state[l] := 1; end;',
            'rule "evict" state[l] != 0 ==> begin if l < 4 then clean(l); copy[l] := 0; end; state[l] := 0; end;',
            "end;",
            "",
        ]
    )


def _driver_rules(v: Receive) -> list[str]:
    keeps = "n = 0" if v.kept == (True, False) else "true"
    keep = f" if {keeps} then {_assigned('at[n]')} end;" if any(v.kept) else ""
    pass_on = f" if {keeps} then argument[n] := at[n]; end;" if any(v.kept) else ""
    forget = " argument[n] := 0;" if any(v.kept) else ""
    bodies = ["store(2*n);", "store(2*n+1);", "clean(2*n);", f"clean(2*n+1);{'' if v.read else keep}"]
    if v.read:
        bodies.append(keep)
    again = len(bodies)
    bodies += ["posted[n] := true;", "", "filled[n] := false;", "drop(2*n);", "drop(2*n+1);", "load(2*n);"]
    out = []
    for pc, body in enumerate(bodies):
        guard = f"driver[n] = {pc}" + (" & filled[n]" if pc == again + 1 else "")
        out.append(f'rule "driver {pc}" {guard} ==> begin {body} driver[n] := {pc + 1}; end;')
    pc = len(bodies)
    out.append(
        f'rule "driver {pc}" driver[n] = {pc} ==> begin load(2*n+1); if round[n] = 0 then round[n] := 1; driver[n] := {again}; '
        f"else round[n] := 0; driver[n] := {pc + 1};{pass_on} end; end;"
    )
    out.append(f'rule "driver {pc + 1}" driver[n] = {pc + 1} ==> begin drop(2*n); driver[n] := {pc + 2}; end;')
    out.append(f'rule "driver {pc + 2}" driver[n] = {pc + 2} ==> begin drop(2*n+1);{forget} driver[n] := {pc + 3}; end;')
    return out


def _assigned(place: str) -> str:
    return f"if n = 0 then {place} := {ADDRESSES[0]}; else {place} := {ADDRESSES[1]}; end;"


def _card_rules(v: Receive) -> list[str]:
    bodies = ["", "", "posted[n] := false;"]
    if v.read:
        bodies.append("seen[n] := at[n];")
    bodies += ["card_store(2*n);", "card_store(2*n+1);" + (" seen[n] := 0;" if v.read else "")]
    out = []
    for pc, body in enumerate(bodies):
        guard = f"card[n] = {pc}" + (" & posted[n]" if pc == 1 else "")
        out.append(f'rule "card {pc}" {guard} ==> begin {body} card[n] := {pc + 1}; end;')
    pc = len(bodies)
    out.append(
        f'rule "card {pc}" card[n] = {pc} ==> begin filled[n] := true; '
        f"if passed[n] = 0 then passed[n] := 1; card[n] := 1; else passed[n] := 0; card[n] := {pc + 1}; end; end;"
    )
    return out
