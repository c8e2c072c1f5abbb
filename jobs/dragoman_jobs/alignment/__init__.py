"""What is measured inside models, on a cluster: representations of test lines and likelihoods of references."""
