"""Hand-written answers, judged: which formulas hold, and which slip explains the others."""
