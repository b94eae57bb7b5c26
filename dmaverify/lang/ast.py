"""The syntax tree of a `.dma` file.

Every node has a `span`.  Nodes are compared and hashed by identity; `tree.same` compares two by what they
say. The parser fills every field that a constructor takes; fields with `init=False` are annotations:

* `ty`   (expressions, types, whatever introduces a name): the semantic type, None until the checker has run;
* `ref`  (names, fields, calls, patterns, type names): the declaration that is meant, None until then;
* `doc`, `is_open`, `is_replace` on declarations are set by the parser.

What is written as one declaration of several names (`const A = 1, B = 2`, `var a, b : T`, `index Stream,
Domain`) is one node per name here.  `else return null` and other one-statement bodies are a `Block` of one
statement. A tree is never deeper than `limits.MAX_TREE_DEPTH`, so recursive passes are safe.

The nodes are in six files: types; expressions; patterns; statements; declarations; scenarios.
"""

from dmaverify.lang.ast_decl import *  # noqa: F403
from dmaverify.lang.ast_expr import *  # noqa: F403
from dmaverify.lang.ast_pattern import *  # noqa: F403
from dmaverify.lang.ast_scenario import *  # noqa: F403
from dmaverify.lang.ast_stmt import *  # noqa: F403
from dmaverify.lang.ast_type import *  # noqa: F403
