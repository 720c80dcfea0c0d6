"""What is reasonable: answers, judgements, windows, entailment, coverage."""
