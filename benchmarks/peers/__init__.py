"""What people would use in place of keras_gen, written from the papers and the documentation, to be timed beside it."""
