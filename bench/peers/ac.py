"""AC(P,K) for SPIN and for rumur, as their users would write it. The rules are those of ``bench/ac.dma``."""

from __future__ import annotations


def ac_promela(pages: int, slots: int) -> str:
    """One process; every rule is one ``d_step``, and asserts what it could break."""
    out = [
        f"/* AC({pages},{slots}): allocation of aligned blocks above a cache; the rules of bench/ac.dma */",
        f"#define FREE 3\n{'short' if pages < 16 else 'int'} taken; byte ord[{slots}] = FREE; byte start[{slots}];",
        f"byte line[{pages}]; bool zeroed[{pages}]; bool uncached[{pages}]; byte p; byte a;",
        "",
        f"#define BAD ({' || '.join(_broken(pages, slots))})",
        "",
        "active proctype rules() {",
        "end: do",
    ]
    for s in range(slots):
        out += [_alloc(pages, s, o) for o in range(3)]
        out.append(
            f":: d_step {{ ord[{s}] != FREE -> a = 1 << ord[{s}]; taken = taken & ~(((1 << a) - 1) << start[{s}]); p = start[{s}]; "
            f"do :: p < start[{s}] + a -> uncached[p] = 0; p++ :: else -> break od; "
            f"ord[{s}] = FREE; start[{s}] = 0; assert(!BAD); p = 0; a = 0 }}"
        )
    for p in range(pages):
        out += [
            f":: d_step {{ !uncached[{p}] && line[{p}] != 2 -> line[{p}] = 2; assert(!BAD) }}",
            f":: d_step {{ uncached[{p}] && zeroed[{p}] -> zeroed[{p}] = 0 }}",
            f":: d_step {{ line[{p}] == 2 -> line[{p}] = 0; zeroed[{p}] = 0 }}",
            f":: d_step {{ line[{p}] == 1 -> line[{p}] = 0 }}",
            f":: d_step {{ line[{p}] == 2 -> line[{p}] = 1; zeroed[{p}] = 0 }}",
            f":: d_step {{ (taken & {1 << p}) && zeroed[{p}] -> zeroed[{p}] = 0 }}",
        ]
    return "\n".join([*out, "od", "}", ""])


def _broken(pages: int, slots: int) -> list[str]:
    bad = [f"(uncached[{p}] && line[{p}] == 2)" for p in range(pages)]
    for i in range(slots):
        for j in range(i):
            bad.append(
                f"(ord[{i}] != FREE && ord[{j}] != FREE"
                f" && start[{i}] < start[{j}] + (1 << ord[{j}]) && start[{j}] < start[{i}] + (1 << ord[{i}]))"
            )
    return bad


def _alloc(pages: int, s: int, o: int) -> str:
    size = 1 << o
    block = (1 << size) - 1
    starts = list(range(0, pages - size + 1, size))
    free = [f"(taken & {block << a}) == 0" for a in starts]
    least = "".join(f"if :: {f} -> a = {a} :: else -> " for f, a in zip(free[:-1], starts, strict=False))
    least += f"a = {starts[-1]}" + " fi" * (len(starts) - 1)
    return (
        f":: d_step {{ ord[{s}] == FREE && ({' || '.join(free)}) -> {least}; taken = taken | ({block} << a); "
        f"ord[{s}] = {o}; start[{s}] = a; p = a; "
        f"do :: p < a + {size} -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; "
        "assert(!BAD); p = 0; a = 0 }"
    )


def ac_murphi(pages: int, slots: int) -> str:
    """Rule sets over slots, orders and pages; the search for a block is a function, as one would write it."""
    return f"""\
-- AC({pages},{slots}): allocation of aligned blocks above a cache; the rules of bench/ac.dma
const P: {pages}; K: {slots};
type page: 0..P-1; slot: 0..K-1; order: 0..3; cacheline: 0..2;
var
  taken: array [page] of boolean;
  ord: array [slot] of order;               -- 3 is free
  start: array [slot] of page;
  line: array [page] of cacheline;          -- 0 invalid, 1 clean, 2 dirty
  zeroed: array [page] of boolean;
  uncached: array [page] of boolean;

function size(o: order): 1..8;
begin
  if o = 0 then return 1; elsif o = 1 then return 2; elsif o = 2 then return 4; else return 8; end;
end;

-- the least start of an aligned free block, or P
function fit(o: order): 0..P;
var ok: boolean; n: 1..8; a: 0..P+8;
begin
  n := size(o); a := 0;
  while a + n <= P do
    ok := true;
    for i := 0 to n-1 do if taken[a+i] then ok := false; end; end;
    if ok then return a; end;
    a := a + n;
  end;
  return P;
end;

startstate begin
  for p: page do taken[p] := false; line[p] := 0; zeroed[p] := false; uncached[p] := false; end;
  for s: slot do ord[s] := 3; start[s] := 0; end;
end;

ruleset s: slot; o: 0..2 do
rule "alloc" ord[s] = 3 & fit(o) < P ==>
var a: 0..P; n: 1..8;
begin
  a := fit(o); n := size(o);
  for p := a to a+n-1 do taken[p] := true; line[p] := 0; zeroed[p] := true; uncached[p] := true; end;
  ord[s] := o; start[s] := a;
end; end;

ruleset s: slot do
rule "release" ord[s] != 3 ==>
var n: 1..8;
begin
  n := size(ord[s]);
  for p := start[s] to start[s]+n-1 do taken[p] := false; uncached[p] := false; end;
  ord[s] := 3; start[s] := 0;
end; end;

ruleset p: page do
rule "store" !uncached[p] & line[p] != 2 ==> begin line[p] := 2; end;
rule "store uncached" uncached[p] & zeroed[p] ==> begin zeroed[p] := false; end;
rule "evict dirty" line[p] = 2 ==> begin line[p] := 0; zeroed[p] := false; end;
rule "evict clean" line[p] = 1 ==> begin line[p] := 0; end;
rule "flush" line[p] = 2 ==> begin line[p] := 1; zeroed[p] := false; end;
rule "device writes" taken[p] & zeroed[p] ==> begin zeroed[p] := false; end;
end;

invariant "no overlap"
  forall i: slot do forall j: slot do
    i < j & ord[i] != 3 & ord[j] != 3 ->
      start[i] + size(ord[i]) <= start[j] | start[j] + size(ord[j]) <= start[i] end end;
invariant "no dirty line on an uncached page" forall p: page do !(uncached[p] & line[p] = 2) end;
"""
