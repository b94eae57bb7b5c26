"""How xdist hands out the tests where some of them are scenarios. Imported only where xdist runs."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling


class ByVariant(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
    """Load balancing in which the properties of one variant stay together; every other test goes by itself."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, rest = nodeid.partition("::")
        return f"{file}::{rest.partition('::')[0]}" if file.endswith(".dma") else nodeid
