"""Keras layers for video: volume augmentations and building blocks."""

from ssdet_keras.layers.bottleneck_block3d import BottleneckBlock3D
from ssdet_keras.layers.clip_wise import ClipWise
from ssdet_keras.layers.conv3d import Conv3D
from ssdet_keras.layers.conv_norm3d import ConvNorm3D
from ssdet_keras.layers.depthwise_conv3d import DepthwiseConv3D
from ssdet_keras.layers.frame_labels import FrameLabels
from ssdet_keras.layers.fused_batch_normalization import FusedBatchNormalization
from ssdet_keras.layers.inception_block3d import InceptionBlock3D
from ssdet_keras.layers.joint_volume_augmentation import JointVolumeAugmentation
from ssdet_keras.layers.max_pooling3d import MaxPooling3D
from ssdet_keras.layers.pixel_normalization import PixelNormalization
from ssdet_keras.layers.pointwise_conv3d import PointwiseConv3D
from ssdet_keras.layers.random_clip_flip import RandomClipFlip
from ssdet_keras.layers.random_resized_clip import RandomResizedClip
from ssdet_keras.layers.spatial_pooling import SpatialPooling
from ssdet_keras.layers.squeeze_excite import SqueezeExcite
from ssdet_keras.layers.temporal_upsampling import TemporalUpsampling
from ssdet_keras.layers.video_augmentation import VideoAugmentation
from ssdet_keras.layers.volume_augmentation import VolumeAugmentation
from ssdet_keras.layers.volume_cut_mix import VolumeCutMix
from ssdet_keras.layers.volume_freeze import VolumeFreeze
from ssdet_keras.layers.volume_mix_up import VolumeMixUp
from ssdet_keras.layers.x3d_block import X3DBlock
from ssdet_keras.layers.x3d_stem import X3DStem
from ssdet_keras.layers.zero_mean_initializer import ZeroMeanInitializer
