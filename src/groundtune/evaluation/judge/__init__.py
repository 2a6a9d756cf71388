"""Language models as judges: grading answers on rubrics, preferring one of two, and checking judges against people."""
