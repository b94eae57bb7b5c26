"""``bench/takers.dma`` for SPIN and for rumur, written by hand: CPUs that take pages by compare-and-exchange.

Every CPU is where it waits for its next call, where it has to load the bitmap for a page, or where it has to exchange it. The
bitmap is a byte here, as one would write it for four pages; in the scenario it is a word of 64 bits, as in the kernel.
"""

from __future__ import annotations

PAGES = 4


def takers_promela(cpus: int) -> str:
    """One process for each CPU."""
    return f"""\
/* bench/takers.dma with {cpus} CPUs, written by hand */
#define PAGES {PAGES}
#define IDLE 0
#define LOAD 1
#define TRY 2
#define PUT_LOAD 3
#define PUT_TRY 4
#define NONE PAGES
byte map; bool owned[PAGES];

inline next() {{ if :: page == PAGES - 1 -> page = 0; at = IDLE :: else -> page++; at = LOAD fi }}
inline look() {{ if :: map & (1 << page) -> next() :: else -> seen = map; at = TRY fi }}

active [{cpus}] proctype cpu() {{
    byte at; byte page; byte seen; byte mine = NONE;
end: do
    :: d_step {{ at == IDLE && mine == NONE -> look() }}
    :: d_step {{ at == LOAD -> look() }}
    :: d_step {{ at == TRY ->
                if :: map == seen -> assert(!owned[page]); owned[page] = true;
                                     map = map | (1 << page); mine = page; page = 0; at = IDLE
                   :: else -> next() fi;
                seen = 0 }}
    :: d_step {{ at == IDLE && mine != NONE -> owned[mine] = false; page = mine; mine = NONE; at = PUT_LOAD }}
    :: d_step {{ at == PUT_LOAD -> seen = map; at = PUT_TRY }}
    :: d_step {{ at == PUT_TRY ->
                if :: map == seen -> map = map & ~(1 << page); page = 0; at = IDLE :: else -> at = PUT_LOAD fi;
                seen = 0 }}
    od
}}
"""


def takers_murphi(cpus: int) -> str:
    """The bitmap is an array of truth values, for want of bits."""
    return f"""\
-- bench/takers.dma with {cpus} CPUs, written by hand
const CPUS: {cpus}; PAGES: {PAGES};
type cpu: 0..CPUS-1; page: 0..PAGES-1; slot: 0..PAGES; place: 0..4;   -- a slot of PAGES is empty
var
  map, owned: array [page] of boolean;
  seen: array [cpu] of array [page] of boolean;
  at: array [cpu] of place;                       -- idle, load, try, load to put, try to put
  here: array [cpu] of page; mine: array [cpu] of slot;

procedure next(c: cpu); begin
  if here[c] = PAGES-1 then here[c] := 0; at[c] := 0; else here[c] := here[c] + 1; at[c] := 1; end; end;
procedure look(c: cpu); begin
  if map[here[c]] then next(c); else for p: page do seen[c][p] := map[p]; end; at[c] := 2; end; end;
function same(c: cpu): boolean; begin
  for p: page do if seen[c][p] != map[p] then return false; end; end; return true; end;
procedure forget(c: cpu); begin for p: page do seen[c][p] := false; end; end;

startstate begin
  for p: page do map[p] := false; owned[p] := false; end;
  for c: cpu do for p: page do seen[c][p] := false; end; at[c] := 0; here[c] := 0; mine[c] := PAGES; end;
end;

ruleset c: cpu do
rule "take" at[c] = 0 & mine[c] = PAGES ==> begin look(c); end;
rule "load" at[c] = 1 ==> begin look(c); end;
rule "try" at[c] = 2 ==> begin
  if same(c) then
    assert "one owner" !owned[here[c]];
    owned[here[c]] := true; map[here[c]] := true; mine[c] := here[c]; here[c] := 0; at[c] := 0;
  else next(c); end;
  forget(c); end;
rule "put" at[c] = 0 & mine[c] != PAGES ==> begin
  owned[mine[c]] := false; here[c] := mine[c]; mine[c] := PAGES; at[c] := 3; end;
rule "load to put" at[c] = 3 ==> begin for p: page do seen[c][p] := map[p]; end; at[c] := 4; end;
rule "try to put" at[c] = 4 ==> begin
  if same(c) then map[here[c]] := false; here[c] := 0; at[c] := 0; else at[c] := 3; end;
  forget(c); end;
end;
"""
