"""Alternatives to keras_gen, written from the papers and the documentation, to time beside it."""
