"""`python -m keras_gen`, the same program as `keras-gen`."""

from keras_gen.cli import main

if __name__ == "__main__":
    main()
