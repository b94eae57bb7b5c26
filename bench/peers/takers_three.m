-- bench/takers.dma with 3 CPUs, written by hand
const CPUS: 3; PAGES: 4;
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
