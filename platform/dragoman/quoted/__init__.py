"""Scores without translations, quoted from a paper's table or a leaderboard."""
