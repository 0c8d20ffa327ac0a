"""The small models whose fate under the real toolkit is the evidence of the op tables.

Each is text in ONNX syntax, so that a line of evidence holds its whole model. All are ours: a probed node never
stands alone in its graph (see `model.COMPANION`), so that none equals a model of a published test suite.
"""
