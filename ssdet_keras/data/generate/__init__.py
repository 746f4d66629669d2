"""Generated videos, in which the class is the motion and nothing else."""

from ssdet_keras.data.generate.charades import generate_charades
from ssdet_keras.data.generate.kinetics import generate_kinetics
from ssdet_keras.data.generate.motions import MOTIONS
