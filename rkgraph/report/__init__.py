"""Pure functions of results: the JSON document and the HTML page."""
