"""Evidence: the experiments of many repetitions whose numbers are stored, a module for each notebook that has some."""
