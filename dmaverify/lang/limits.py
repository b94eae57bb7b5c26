"""The limits that a `.dma` text has to keep; each is checked before anything that it protects runs."""

MAX_FILE_BYTES = 1 << 20
"""Size of a file."""

MAX_TOKENS = 150_000
"""Words and signs in a file."""

MAX_NESTING = 100
"""Brackets of any kind inside each other."""

MAX_TREE_DEPTH = 250
"""Nodes of the syntax tree inside each other: what a pass that calls itself has to bear."""

MAX_STACK = 3000
"""Unfinished symbols of the parser:

bounds prefix operators, `else if` and the like, which need no brackets.
"""

MAX_OPERATORS = 200
"""Binary operators in one expression without brackets."""

MAX_WORD = 200
"""Characters of a name or number."""

MAX_STRING = 2000
"""Characters of a text in quotes."""

MAX_ERRORS = 40
"""After so many errors in one file reading stops."""
