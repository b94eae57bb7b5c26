"""From a checked program to a System. ``scenario.build`` puts it together; see ``dmaverify.lang.compile`` for
the way in.

Importing this package registers the rules for all expressions and statements.
"""

from dmaverify.lang.lower import (  # noqa: F401
    branches,
    calls,
    choices,
    effects,
    operators,
    pure,
    records,
    statements,
    unrolled,
    values,
)
