"""Property-directed reachability on the bits of a System: an and-inverter graph, a SAT solver, and proofs that need no lemma."""
