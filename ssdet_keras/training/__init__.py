"""Losses, schedules, optimizers and checkpoints."""

from ssdet_keras.training.backbone_factor import SGD
from ssdet_keras.training.backbone_factor import AdamW
from ssdet_keras.training.center_heat_maps import center_heat_maps
from ssdet_keras.training.checkpoint import Checkpoint
from ssdet_keras.training.checkpoint import read_checkpoint
from ssdet_keras.training.checkpoint_folder import CheckpointFolder
from ssdet_keras.training.checkpoints import Checkpoints
from ssdet_keras.training.detection_loss import DetectionLoss
from ssdet_keras.training.epoch_log import EpochLog
from ssdet_keras.training.frame_cross_entropy import FrameCrossEntropy
from ssdet_keras.training.heat_map_loss import HeatMapLoss
from ssdet_keras.training.ignore_padding import ignore_padding
from ssdet_keras.training.keep_freed_memory import keep_freed_memory
from ssdet_keras.training.manifold_augmentation import ManifoldAugmentation
from ssdet_keras.training.prior import set_prior
from ssdet_keras.training.reduce_lr_on_plateau import ReduceLROnPlateau
from ssdet_keras.training.run import Run
from ssdet_keras.training.run import read_run
from ssdet_keras.training.slow_stream_training import SlowStreamTraining
from ssdet_keras.training.step_schedule import StepSchedule
from ssdet_keras.training.stop_on_nan import StopOnNaN
from ssdet_keras.training.stop_signals import StopSignals
from ssdet_keras.training.train import train
from ssdet_keras.training.training_stopped import TrainingStopped
from ssdet_keras.training.workdir import WorkDir
from ssdet_keras.training.workdir import read_description
