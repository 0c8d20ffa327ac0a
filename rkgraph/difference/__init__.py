"""What changed between two reports: node by node, number by number."""
