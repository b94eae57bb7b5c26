"""What a patch does: verdicts before and after it, what else it changes, and how much of that is shown."""
