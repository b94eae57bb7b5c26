"""Core IR as bit-vector terms: one encoding, three writers (z3, bitwuzla, SMT-LIB text) and one interface to the solvers."""
