"""Worlds: what photo viewers, game engines and browsers need in order to show a panorama."""

from keras_gen.worlds.photo_sphere import photo_sphere
from keras_gen.worlds.projection import FACES, cube_faces
from keras_gen.worlds.viewer import viewer

__all__ = ["FACES", "cube_faces", "photo_sphere", "viewer"]
