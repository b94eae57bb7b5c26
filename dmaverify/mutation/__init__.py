"""Which properties notice when a statement of a model is missing or different: models are altered in memory, one place at a time."""
