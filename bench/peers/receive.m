-- bench/receive.dma, variant base, written by hand
const NONE: -1; LAST: 2147549184;
type side: 0..1; buffer: 0..3; cacheline: 0..7; value: 0..3; address: NONE..LAST;
var
  state: array [cacheline] of 0..2;         -- invalid, clean, dirty; lines 0 to 3 hold the buffers
  copy, memory, latest: array [buffer] of value;  -- latest 3: nobody has written
  posted, filled: array [side] of boolean;
  driver: array [side] of 0..31; card: array [side] of 0..15;
  round: array [side] of 0..1; passed: array [side] of 0..1;

procedure clean(b: buffer); begin if state[b] = 2 then memory[b] := copy[b]; state[b] := 1; end; end;
procedure drop(b: buffer); begin state[b] := 0; copy[b] := 0; end;
procedure store(b: buffer); begin
  copy[b] := 2; state[b] := 2; latest[b] := 2; if memory[b] = 2 then memory[b] := 0; end; end;
procedure load(b: buffer); begin
  if state[b] = 0 then copy[b] := memory[b]; state[b] := 1; end;
  assert "no stale read" latest[b] = 3 | copy[b] = latest[b]; end;
procedure card_store(b: buffer); begin
  memory[b] := 2; latest[b] := 2; if copy[b] = 2 then copy[b] := 0; end; end;

startstate begin
  for l: cacheline do state[l] := 0; end;
  for b: buffer do copy[b] := 0; memory[b] := 0; latest[b] := 3; end;
  for n: side do posted[n] := false; filled[n] := false; driver[n] := 0; card[n] := 0;
    round[n] := 0; passed[n] := 0;
  end;
end;

ruleset n: side do
rule "driver 0" driver[n] = 0 ==> begin store(2*n); driver[n] := 1; end;
rule "driver 1" driver[n] = 1 ==> begin store(2*n+1); driver[n] := 2; end;
rule "driver 2" driver[n] = 2 ==> begin clean(2*n); driver[n] := 3; end;
rule "driver 3" driver[n] = 3 ==> begin clean(2*n+1); driver[n] := 4; end;
rule "driver 4" driver[n] = 4 ==> begin posted[n] := true; driver[n] := 5; end;
rule "driver 5" driver[n] = 5 & filled[n] ==> begin  driver[n] := 6; end;
rule "driver 6" driver[n] = 6 ==> begin filled[n] := false; driver[n] := 7; end;
rule "driver 7" driver[n] = 7 ==> begin drop(2*n); driver[n] := 8; end;
rule "driver 8" driver[n] = 8 ==> begin drop(2*n+1); driver[n] := 9; end;
rule "driver 9" driver[n] = 9 ==> begin load(2*n); driver[n] := 10; end;
rule "driver 10" driver[n] = 10 ==> begin load(2*n+1); if round[n] = 0 then round[n] := 1; driver[n] := 4; else round[n] := 0; driver[n] := 11; end; end;
rule "driver 11" driver[n] = 11 ==> begin drop(2*n); driver[n] := 12; end;
rule "driver 12" driver[n] = 12 ==> begin drop(2*n+1); driver[n] := 13; end;
rule "card 0" card[n] = 0 ==> begin  card[n] := 1; end;
rule "card 1" card[n] = 1 & posted[n] ==> begin  card[n] := 2; end;
rule "card 2" card[n] = 2 ==> begin posted[n] := false; card[n] := 3; end;
rule "card 3" card[n] = 3 ==> begin card_store(2*n); card[n] := 4; end;
rule "card 4" card[n] = 4 ==> begin card_store(2*n+1); card[n] := 5; end;
rule "card 5" card[n] = 5 ==> begin filled[n] := true; if passed[n] = 0 then passed[n] := 1; card[n] := 1; else passed[n] := 0; card[n] := 6; end; end;
end;

ruleset l: cacheline do
rule "fill" state[l] = 0 ==> begin if l < 4 then copy[l] := memory[l]; end; state[l] := 1; end;
rule "evict" state[l] != 0 ==> begin if l < 4 then clean(l); copy[l] := 0; end; state[l] := 0; end;
end;
