"""keras_gen: image generation for Keras 3."""
