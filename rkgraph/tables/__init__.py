"""What each toolkit version makes of each operator: data with evidence, and the questions asked of it."""
