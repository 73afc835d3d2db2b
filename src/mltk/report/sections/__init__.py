"""The sections of a report of one model, one in each file: from `ModelFacts` to a `Section`, or None."""
