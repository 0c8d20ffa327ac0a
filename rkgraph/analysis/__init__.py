"""Analysis: dataflow, folding, intervals, evaluation."""
