/* AC(6,4): allocation of aligned blocks above a cache; the rules of bench/ac.dma */
#define FREE 3
short taken; byte ord[4] = FREE; byte start[4];
byte line[6]; bool zeroed[6]; bool uncached[6]; byte p; byte a;

#define BAD ((uncached[0] && line[0] == 2) || (uncached[1] && line[1] == 2) || (uncached[2] && line[2] == 2) || (uncached[3] && line[3] == 2) || (uncached[4] && line[4] == 2) || (uncached[5] && line[5] == 2) || (ord[1] != FREE && ord[0] != FREE && start[1] < start[0] + (1 << ord[0]) && start[0] < start[1] + (1 << ord[1])) || (ord[2] != FREE && ord[0] != FREE && start[2] < start[0] + (1 << ord[0]) && start[0] < start[2] + (1 << ord[2])) || (ord[2] != FREE && ord[1] != FREE && start[2] < start[1] + (1 << ord[1]) && start[1] < start[2] + (1 << ord[2])) || (ord[3] != FREE && ord[0] != FREE && start[3] < start[0] + (1 << ord[0]) && start[0] < start[3] + (1 << ord[3])) || (ord[3] != FREE && ord[1] != FREE && start[3] < start[1] + (1 << ord[1]) && start[1] < start[3] + (1 << ord[3])) || (ord[3] != FREE && ord[2] != FREE && start[3] < start[2] + (1 << ord[2]) && start[2] < start[3] + (1 << ord[3])))

active proctype rules() {
end: do
:: d_step { ord[0] == FREE && ((taken & 1) == 0 || (taken & 2) == 0 || (taken & 4) == 0 || (taken & 8) == 0 || (taken & 16) == 0 || (taken & 32) == 0) -> if :: (taken & 1) == 0 -> a = 0 :: else -> if :: (taken & 2) == 0 -> a = 1 :: else -> if :: (taken & 4) == 0 -> a = 2 :: else -> if :: (taken & 8) == 0 -> a = 3 :: else -> if :: (taken & 16) == 0 -> a = 4 :: else -> a = 5 fi fi fi fi fi; taken = taken | (1 << a); ord[0] = 0; start[0] = a; p = a; do :: p < a + 1 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[0] == FREE && ((taken & 3) == 0 || (taken & 12) == 0 || (taken & 48) == 0) -> if :: (taken & 3) == 0 -> a = 0 :: else -> if :: (taken & 12) == 0 -> a = 2 :: else -> a = 4 fi fi; taken = taken | (3 << a); ord[0] = 1; start[0] = a; p = a; do :: p < a + 2 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[0] == FREE && ((taken & 15) == 0) -> a = 0; taken = taken | (15 << a); ord[0] = 2; start[0] = a; p = a; do :: p < a + 4 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[0] != FREE -> a = 1 << ord[0]; taken = taken & ~(((1 << a) - 1) << start[0]); p = start[0]; do :: p < start[0] + a -> uncached[p] = 0; p++ :: else -> break od; ord[0] = FREE; start[0] = 0; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[1] == FREE && ((taken & 1) == 0 || (taken & 2) == 0 || (taken & 4) == 0 || (taken & 8) == 0 || (taken & 16) == 0 || (taken & 32) == 0) -> if :: (taken & 1) == 0 -> a = 0 :: else -> if :: (taken & 2) == 0 -> a = 1 :: else -> if :: (taken & 4) == 0 -> a = 2 :: else -> if :: (taken & 8) == 0 -> a = 3 :: else -> if :: (taken & 16) == 0 -> a = 4 :: else -> a = 5 fi fi fi fi fi; taken = taken | (1 << a); ord[1] = 0; start[1] = a; p = a; do :: p < a + 1 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[1] == FREE && ((taken & 3) == 0 || (taken & 12) == 0 || (taken & 48) == 0) -> if :: (taken & 3) == 0 -> a = 0 :: else -> if :: (taken & 12) == 0 -> a = 2 :: else -> a = 4 fi fi; taken = taken | (3 << a); ord[1] = 1; start[1] = a; p = a; do :: p < a + 2 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[1] == FREE && ((taken & 15) == 0) -> a = 0; taken = taken | (15 << a); ord[1] = 2; start[1] = a; p = a; do :: p < a + 4 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[1] != FREE -> a = 1 << ord[1]; taken = taken & ~(((1 << a) - 1) << start[1]); p = start[1]; do :: p < start[1] + a -> uncached[p] = 0; p++ :: else -> break od; ord[1] = FREE; start[1] = 0; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[2] == FREE && ((taken & 1) == 0 || (taken & 2) == 0 || (taken & 4) == 0 || (taken & 8) == 0 || (taken & 16) == 0 || (taken & 32) == 0) -> if :: (taken & 1) == 0 -> a = 0 :: else -> if :: (taken & 2) == 0 -> a = 1 :: else -> if :: (taken & 4) == 0 -> a = 2 :: else -> if :: (taken & 8) == 0 -> a = 3 :: else -> if :: (taken & 16) == 0 -> a = 4 :: else -> a = 5 fi fi fi fi fi; taken = taken | (1 << a); ord[2] = 0; start[2] = a; p = a; do :: p < a + 1 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[2] == FREE && ((taken & 3) == 0 || (taken & 12) == 0 || (taken & 48) == 0) -> if :: (taken & 3) == 0 -> a = 0 :: else -> if :: (taken & 12) == 0 -> a = 2 :: else -> a = 4 fi fi; taken = taken | (3 << a); ord[2] = 1; start[2] = a; p = a; do :: p < a + 2 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[2] == FREE && ((taken & 15) == 0) -> a = 0; taken = taken | (15 << a); ord[2] = 2; start[2] = a; p = a; do :: p < a + 4 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[2] != FREE -> a = 1 << ord[2]; taken = taken & ~(((1 << a) - 1) << start[2]); p = start[2]; do :: p < start[2] + a -> uncached[p] = 0; p++ :: else -> break od; ord[2] = FREE; start[2] = 0; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[3] == FREE && ((taken & 1) == 0 || (taken & 2) == 0 || (taken & 4) == 0 || (taken & 8) == 0 || (taken & 16) == 0 || (taken & 32) == 0) -> if :: (taken & 1) == 0 -> a = 0 :: else -> if :: (taken & 2) == 0 -> a = 1 :: else -> if :: (taken & 4) == 0 -> a = 2 :: else -> if :: (taken & 8) == 0 -> a = 3 :: else -> if :: (taken & 16) == 0 -> a = 4 :: else -> a = 5 fi fi fi fi fi; taken = taken | (1 << a); ord[3] = 0; start[3] = a; p = a; do :: p < a + 1 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[3] == FREE && ((taken & 3) == 0 || (taken & 12) == 0 || (taken & 48) == 0) -> if :: (taken & 3) == 0 -> a = 0 :: else -> if :: (taken & 12) == 0 -> a = 2 :: else -> a = 4 fi fi; taken = taken | (3 << a); ord[3] = 1; start[3] = a; p = a; do :: p < a + 2 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[3] == FREE && ((taken & 15) == 0) -> a = 0; taken = taken | (15 << a); ord[3] = 2; start[3] = a; p = a; do :: p < a + 4 -> line[p] = 0; zeroed[p] = 1; uncached[p] = 1; p++ :: else -> break od; assert(!BAD); p = 0; a = 0 }
:: d_step { ord[3] != FREE -> a = 1 << ord[3]; taken = taken & ~(((1 << a) - 1) << start[3]); p = start[3]; do :: p < start[3] + a -> uncached[p] = 0; p++ :: else -> break od; ord[3] = FREE; start[3] = 0; assert(!BAD); p = 0; a = 0 }
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
:: d_step { !uncached[4] && line[4] != 2 -> line[4] = 2; assert(!BAD) }
:: d_step { uncached[4] && zeroed[4] -> zeroed[4] = 0 }
:: d_step { line[4] == 2 -> line[4] = 0; zeroed[4] = 0 }
:: d_step { line[4] == 1 -> line[4] = 0 }
:: d_step { line[4] == 2 -> line[4] = 1; zeroed[4] = 0 }
:: d_step { (taken & 16) && zeroed[4] -> zeroed[4] = 0 }
:: d_step { !uncached[5] && line[5] != 2 -> line[5] = 2; assert(!BAD) }
:: d_step { uncached[5] && zeroed[5] -> zeroed[5] = 0 }
:: d_step { line[5] == 2 -> line[5] = 0; zeroed[5] = 0 }
:: d_step { line[5] == 1 -> line[5] = 0 }
:: d_step { line[5] == 2 -> line[5] = 1; zeroed[5] = 0 }
:: d_step { (taken & 32) && zeroed[5] -> zeroed[5] = 0 }
od
}
