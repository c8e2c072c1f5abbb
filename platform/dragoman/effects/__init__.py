"""Effects of training over the models of a campaign: being seen with the pair held fixed, transfer, number of pairs."""
