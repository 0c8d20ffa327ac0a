"""What the HTML page shows, decided as data: its graphs, scores, categories, opportunities and platforms."""
