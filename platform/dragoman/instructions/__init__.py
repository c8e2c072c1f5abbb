"""Understanding of the instruction: what right, none and wrong instructions make of a model's translations."""
