"""Backbones, heads and detectors."""

from ssdet_keras.models.count_costs import Costs
from ssdet_keras.models.count_costs import count_costs
from ssdet_keras.models.frame_detector import FrameDetector
from ssdet_keras.models.linear_head import LinearHead
from ssdet_keras.models.load_checkpoint import LoadedCheckpoint
from ssdet_keras.models.load_checkpoint import load_checkpoint
from ssdet_keras.models.predict_frames import predict_frames
from ssdet_keras.models.predict_frames import upsample_to_frames
from ssdet_keras.models.read_checkpoint import Checkpoint
from ssdet_keras.models.read_checkpoint import read_checkpoint
from ssdet_keras.models.transfer_weights import TransferredWeights
from ssdet_keras.models.transfer_weights import transfer_weights
from ssdet_keras.models.video_classifier import VideoClassifier
from ssdet_keras.models.x3d_backbone import X3DBackbone
