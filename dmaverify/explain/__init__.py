"""What the codes and the invariants mean, in prose: ``dmaverify explain``."""
