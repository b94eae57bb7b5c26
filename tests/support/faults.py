"""The checker, broken on purpose: each fault says what it breaks, and which guard has to notice.

A fault is a context manager; while it is entered one function of the tool does the wrong thing. They are chosen such that what is
broken goes on working most of the time and gives wrong answers silently: a crash would be noticed by anybody.
"""

from __future__ import annotations

from tests.support import faults_in_proofs, faults_in_search
from tests.support.fault import FAULTS, Fault

__all__ = ["FAULTS", "Fault", "faults_in_proofs", "faults_in_search"]
