"""`keras-gen`: training, and what comes before and after it, as subcommands."""

from __future__ import annotations

import sys
from typing import Annotated

import tyro

from keras_gen.cli import training
from keras_gen.cli.command_line import one_line_errors, parse, start_keras
from keras_gen.cli.evaluating import Compare, Evaluate
from keras_gen.cli.examining import Doctor
from keras_gen.cli.exporting import Export, Verify
from keras_gen.cli.given import Invert, Reconstruct
from keras_gen.cli.making import Interpolate, Sample, Traverse
from keras_gen.cli.repairing import Colorize, Inpaint, Restore, Translate, Upscale
from keras_gen.cli.styling import Stylize
from keras_gen.cli.worlds import Panorama, Tile

DESCRIPTION = (
    "Examine images. Train. Use a trained model: make images, panoramas and tiles, find their latents, repair, "
    "translate or repaint pictures, score, compare scores, export it."
)
Command = Annotated[
    Annotated[training.Train, tyro.conf.subcommand("train")]
    | Annotated[Sample, tyro.conf.subcommand("sample")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Compare, tyro.conf.subcommand("compare")]
    | Annotated[Interpolate, tyro.conf.subcommand("interpolate")]
    | Annotated[Traverse, tyro.conf.subcommand("traverse")]
    | Annotated[Panorama, tyro.conf.subcommand("panorama")]
    | Annotated[Tile, tyro.conf.subcommand("tile")]
    | Annotated[Reconstruct, tyro.conf.subcommand("reconstruct")]
    | Annotated[Invert, tyro.conf.subcommand("invert")]
    | Annotated[Inpaint, tyro.conf.subcommand("inpaint")]
    | Annotated[Colorize, tyro.conf.subcommand("colorize")]
    | Annotated[Upscale, tyro.conf.subcommand("upscale")]
    | Annotated[Restore, tyro.conf.subcommand("restore")]
    | Annotated[Translate, tyro.conf.subcommand("translate")]
    | Annotated[Stylize, tyro.conf.subcommand("stylize")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[Verify, tyro.conf.subcommand("verify")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")],
    tyro.conf.OmitSubcommandPrefixes,
]


def main() -> None:
    """Parses the command line and runs the subcommand."""
    if sys.argv[1:2] == ["train"] and (family := " ".join(sys.argv[2:3])) in training.FAMILIES:
        sys.argv[:3] = [f"keras-gen train {family}"]  # a program with its own options, help and errors
        return training.main(family)
    command = parse(Command, DESCRIPTION)
    with one_line_errors():
        command.check()  # what needs no Keras, which takes seconds
        start_keras()
        command.run()
