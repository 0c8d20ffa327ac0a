"""What a model costs on a target, estimated from its graph alone, and which causes are worth most to remove."""
