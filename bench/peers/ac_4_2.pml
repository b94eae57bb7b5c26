/* AC(4,2): allocation of aligned blocks above a cache; the rules of bench/ac.dma */
#define FREE 3
short taken; byte ord[2] = FREE; byte start[2];
byte line[4]; bool zeroed[4]; bool uncached[4]; byte p; byte a;

#define BAD ((uncached[0] && line[0] == 2) || (uncached[1] && line[1] == 2) || (uncached[2] && line[2] == 2) || (uncached[3] && line[3] == 2) || (ord[1] != FREE && ord[0] != FREE && start[1] < start[0] + (1 << ord[0]) && start[0] < start[1] + (1 << ord[1])))

active proctype rules() {
end: do
:: d_step { ord[0] == FREE && ((taken & 1) == 0 || (taken & 2) == 0 || (taken & 4) == 0 || (taken & 8) == 0) -> if :: (taken & 1) == 0 -> a = 0 :: else -> if :: (taken & 2) == 0 -> a = 1 :: else -> if :: (taken & 4) == 0 -> a = 2 :: else -> a = 3 fi fi fi; taken = taken | (1 << a); ord[0] = 0; start[0] = a; p = a; do :: p < a + 1 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[0] == FREE && ((taken & 3) == 0 || (taken & 12) == 0) -> if :: (taken & 3) == 0 -> a = 0 :: else -> a = 2 fi; taken = taken | (3 << a); ord[0] = 1; start[0] = a; p = a; do :: p < a + 2 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[0] == FREE && ((taken & 15) == 0) -> a = 0; taken = taken | (15 << a); ord[0] = 2; start[0] = a; p = a; do :: p < a + 4 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[0] != FREE -> a = 1 << ord[0]; taken = taken & ~(((1 << a) - 1) << start[0]); p = start[0]; do :: p < start[0] + a -> uncached[p] = 0; p++ :: else -> break od; ord[0] = FREE; start[0] = 0; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[1] == FREE && ((taken & 1) == 0 || (taken & 2) == 0 || (taken & 4) == 0 || (taken & 8) == 0) -> if :: (taken & 1) == 0 -> a = 0 :: else -> if :: (taken & 2) == 0 -> a = 1 :: else -> if :: (taken & 4) == 0 -> a = 2 :: else -> a = 3 fi fi fi; taken = taken | (1 << a); ord[1] = 0; start[1] = a; p = a; do :: p < a + 1 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[1] == FREE && ((taken & 3) == 0 || (taken & 12) == 0) -> if :: (taken & 3) == 0 -> a = 0 :: else -> a = 2 fi; taken = taken | (3 << a); ord[1] = 1; start[1] = a; p = a; do :: p < a + 2 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[1] == FREE && ((taken & 15) == 0) -> a = 0; taken = taken | (15 << a); ord[1] = 2; start[1] = a; p = a; do :: p < a + 4 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[1] != FREE -> a = 1 << ord[1]; taken = taken & ~(((1 << a) - 1) << start[1]); p = start[1]; do :: p < start[1] + a -> uncached[p] = 0; p++ :: else -> break od; ord[1] = FREE; start[1] = 0; assert(!BAD); p = 0; a = 0 }
:: d_step { !uncached[0] && line[0] != 2 -> line[0] = 2; assert(!BAD) }
:: d_step { uncached[0] && zeroed[0] -> zeroed[0] = 0 }
:: d_step { line[0] == 2 -> line[0] = 0; zeroed[0] = 0 }
:: d_step { line[0] == 1 -> line[0] = 0 }
:: d_step { line[0] == 2 -> line[0] = 1; zeroed[0] = 0 }
:: d_step { (taken & 1) && zeroed[0] -> zeroed[0] = 0 }
:: d_step { !uncached[1] && line[1] != 2 -> line[1] = 2; assert(!BAD) }
:: d_step { uncached[1] && zeroed[1] -> zeroed[1] = 0 }
:: d_step { line[1] == 2 -> line[1] = 0; zeroed[1] = 0 }
:: d_step { line[1] == 1 -> line[1] = 0 }
:: d_step { line[1] == 2 -> line[1] = 1; zeroed[1] = 0 }
:: d_step { (taken & 2) && zeroed[1] -> zeroed[1] = 0 }
:: d_step { !uncached[2] && line[2] != 2 -> line[2] = 2; assert(!BAD) }
:: d_step { uncached[2] && zeroed[2] -> zeroed[2] = 0 }
:: d_step { line[2] == 2 -> line[2] = 0; zeroed[2] = 0 }
:: d_step { line[2] == 1 -> line[2] = 0 }
:: d_step { line[2] == 2 -> line[2] = 1; zeroed[2] = 0 }
:: d_step { (taken & 4) && zeroed[2] -> zeroed[2] = 0 }
:: d_step { !uncached[3] && line[3] != 2 -> line[3] = 2; assert(!BAD) }
:: d_step { uncached[3] && zeroed[3] -> zeroed[3] = 0 }
:: d_step { line[3] == 2 -> line[3] = 0; zeroed[3] = 0 }
:: d_step { line[3] == 1 -> line[3] = 0 }
:: d_step { line[3] == 2 -> line[3] = 1; zeroed[3] = 0 }
:: d_step { (taken & 8) && zeroed[3] -> zeroed[3] = 0 }
od
}
