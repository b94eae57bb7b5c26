/* bench/receive.dma, variant base, written by hand */
#define INVALID 0
#define CLEAN 1
#define DIRTY 2
#define NONE 3
byte state[8];                           /* of each line; 0 to 3 hold the buffers */
byte copy[4]; byte memory[4]; byte latest[4] = NONE;
bool posted[2]; bool filled[2];

inline cpu_store(l) { d_step { copy[l] = 2; state[l] = DIRTY; latest[l] = 2;
                               if :: memory[l] == 2 -> memory[l] = 0 :: else fi } }
inline clean(l)     { if :: state[l] == DIRTY -> memory[l] = copy[l]; state[l] = CLEAN :: else fi }
inline drop(l)      { d_step { state[l] = INVALID; copy[l] = 0 } }
inline cpu_load(l)  { if :: state[l] == INVALID -> copy[l] = memory[l]; state[l] = CLEAN :: else fi;
                      assert(latest[l] == NONE || copy[l] == latest[l]) }
inline card_store(l) { d_step { memory[l] = 2; latest[l] = 2; if :: copy[l] == 2 -> copy[l] = 0 :: else fi } }

active proctype left_driver() {
    cpu_store(0); cpu_store(1);
    d_step { clean(0) };
    d_step { clean(1); };
    posted[0] = true; filled[0]; filled[0] = false;
    drop(0); drop(1);
    d_step { cpu_load(0) }; d_step { cpu_load(1); };
    posted[0] = true; filled[0]; filled[0] = false;
    drop(0); drop(1);
    d_step { cpu_load(0) }; d_step { cpu_load(1); };
    drop(0); drop(1);
end: false
}

active proctype left_card() {
    d_step { true };                 /* it starts */
    posted[0]; posted[0] = false;
    card_store(0); card_store(1);
    filled[0] = true;
    posted[0]; posted[0] = false;
    card_store(0); card_store(1);
    filled[0] = true;
end: false
}

active proctype right_driver() {
    cpu_store(2); cpu_store(3);
    d_step { clean(2) };
    d_step { clean(3); };
    posted[1] = true; filled[1]; filled[1] = false;
    drop(2); drop(3);
    d_step { cpu_load(2) }; d_step { cpu_load(3); };
    posted[1] = true; filled[1]; filled[1] = false;
    drop(2); drop(3);
    d_step { cpu_load(2) }; d_step { cpu_load(3); };
    drop(2); drop(3);
end: false
}

active proctype right_card() {
    d_step { true };                 /* it starts */
    posted[1]; posted[1] = false;
    card_store(2); card_store(3);
    filled[1] = true;
    posted[1]; posted[1] = false;
    card_store(2); card_store(3);
    filled[1] = true;
end: false
}

active proctype cache() {
end: do
    :: d_step { state[0] == INVALID -> copy[0] = memory[0]; state[0] = CLEAN }
    :: d_step { state[0] != INVALID -> clean(0); state[0] = INVALID; copy[0] = 0 }
    :: d_step { state[1] == INVALID -> copy[1] = memory[1]; state[1] = CLEAN }
    :: d_step { state[1] != INVALID -> clean(1); state[1] = INVALID; copy[1] = 0 }
    :: d_step { state[2] == INVALID -> copy[2] = memory[2]; state[2] = CLEAN }
    :: d_step { state[2] != INVALID -> clean(2); state[2] = INVALID; copy[2] = 0 }
    :: d_step { state[3] == INVALID -> copy[3] = memory[3]; state[3] = CLEAN }
    :: d_step { state[3] != INVALID -> clean(3); state[3] = INVALID; copy[3] = 0 }
    :: d_step { state[4] == INVALID -> state[4] = CLEAN }
    :: d_step { state[4] != INVALID -> state[4] = INVALID }
    :: d_step { state[5] == INVALID -> state[5] = CLEAN }
    :: d_step { state[5] != INVALID -> state[5] = INVALID }
    :: d_step { state[6] == INVALID -> state[6] = CLEAN }
    :: d_step { state[6] != INVALID -> state[6] = INVALID }
    :: d_step { state[7] == INVALID -> state[7] = CLEAN }
    :: d_step { state[7] != INVALID -> state[7] = INVALID }
    od
}
