"""Running rules over a model, and fixing what they find."""
