"""``python -m dmaverify`` and the ``dmaverify`` command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    # nearly all that a check makes lives to its end: looking for garbage in it often finds none (7 % of a small check)
    gc.set_threshold(100_000, 20, 20)
    from dmaverify.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
