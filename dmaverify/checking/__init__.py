"""From a file to verdicts: compile, prepare, run engines, replay, judge vacuity, compare with what is
expected.
"""
