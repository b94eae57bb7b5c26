"""What several test files use: random values, expressions and Systems, and the registry of engines for
operators."""
