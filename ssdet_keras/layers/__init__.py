"""Keras layers for video: volume augmentations and building blocks."""

from ssdet_keras.layers.frame_labels import FrameLabels
from ssdet_keras.layers.joint_volume_augmentation import JointVolumeAugmentation
from ssdet_keras.layers.video_augmentation import VideoAugmentation
from ssdet_keras.layers.volume_cut_mix import VolumeCutMix
from ssdet_keras.layers.volume_freeze import VolumeFreeze
from ssdet_keras.layers.volume_mix_up import VolumeMixUp
