"""Models: what is minimised, how a step works, what is saved of it, and what can be done with a trained one.

`generative` is the side that makes images, `game` the side of players that take turns, `base` what all models share;
`gan` and `autoencoders` are the families. Networks, losses and data have their own rooms.
"""
