"""What runs on Ray: finetuning, translating and scoring the cells of a grid."""
