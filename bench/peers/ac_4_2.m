-- AC(4,2): allocation of aligned blocks above a cache; the rules of bench/ac.dma
const P: 4; K: 2;
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
