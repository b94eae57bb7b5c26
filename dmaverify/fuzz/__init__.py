"""Random runs of a model, driven and shrunk by Hypothesis. Nothing is proved here: what is not found may be there all the same."""
