"""From a checked program to a System. ``scenario.build`` puts it together; see ``dmaverify.lang.compile`` for the way in.

Importing this package registers the rules for all expressions and statements.
"""

from dmaverify.lang.lower import calls, operators, pure, statements, values  # noqa: F401
