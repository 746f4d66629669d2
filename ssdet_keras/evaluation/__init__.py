"""Average precision and the protocols of the benchmarks."""

from ssdet_keras.evaluation.action_conditional import ActionConditional
from ssdet_keras.evaluation.action_conditional import action_conditional
from ssdet_keras.evaluation.average_precision import average_precision
from ssdet_keras.evaluation.calibration import Calibration
from ssdet_keras.evaluation.calibration import calibration
from ssdet_keras.evaluation.charades import charades
from ssdet_keras.evaluation.charades_submission import read_charades_submission
from ssdet_keras.evaluation.charades_submission import write_charades_submission
from ssdet_keras.evaluation.class_table import format_class_table
from ssdet_keras.evaluation.class_table import write_class_table
from ssdet_keras.evaluation.find_segments import DetectedSegment
from ssdet_keras.evaluation.find_segments import find_segments
from ssdet_keras.evaluation.frame_average_precision import FrameAveragePrecision
from ssdet_keras.evaluation.multithumos import multithumos
from ssdet_keras.evaluation.predictions import load_predictions
from ssdet_keras.evaluation.predictions import save_predictions
from ssdet_keras.evaluation.result import Result
from ssdet_keras.evaluation.segment_average_precision import (
    segment_average_precision,
)
