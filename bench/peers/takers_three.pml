/* bench/takers.dma with 3 CPUs, written by hand */
#define PAGES 4
#define IDLE 0
#define LOAD 1
#define TRY 2
#define PUT_LOAD 3
#define PUT_TRY 4
#define NONE PAGES
byte map; bool owned[PAGES];

inline next() { if :: page == PAGES - 1 -> page = 0; at = IDLE :: else -> page++; at = LOAD fi }
inline look() { if :: map & (1 << page) -> next() :: else -> seen = map; at = TRY fi }

active [3] proctype cpu() {
    byte at; byte page; byte seen; byte mine = NONE;
end: do
    :: d_step { at == IDLE && mine == NONE -> look() }
    :: d_step { at == LOAD -> look() }
    :: d_step { at == TRY ->
                if :: map == seen -> assert(!owned[page]); owned[page] = true;
                                     map = map | (1 << page); mine = page; page = 0; at = IDLE
                   :: else -> next() fi;
                seen = 0 }
    :: d_step { at == IDLE && mine != NONE -> owned[mine] = false; page = mine; mine = NONE; at = PUT_LOAD }
    :: d_step { at == PUT_LOAD -> seen = map; at = PUT_TRY }
    :: d_step { at == PUT_TRY ->
                if :: map == seen -> map = map & ~(1 << page); page = 0; at = IDLE :: else -> at = PUT_LOAD fi;
                seen = 0 }
    od
}
