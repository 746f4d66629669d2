"""Average precision and the protocols of the benchmarks."""

from ssdet_keras.evaluation.average_precision import average_precision
from ssdet_keras.evaluation.charades import charades
from ssdet_keras.evaluation.charades_submission import read_charades_submission
from ssdet_keras.evaluation.charades_submission import write_charades_submission
from ssdet_keras.evaluation.find_segments import DetectedSegment
from ssdet_keras.evaluation.find_segments import find_segments
from ssdet_keras.evaluation.multithumos import multithumos
from ssdet_keras.evaluation.predictions import load_predictions
from ssdet_keras.evaluation.predictions import save_predictions
from ssdet_keras.evaluation.result import Result
from ssdet_keras.evaluation.suppress_segments import suppress_segments
from ssdet_keras.evaluation.video_detections import VideoDetections
from ssdet_keras.evaluation.write_segments import write_segments
from ssdet_keras.evaluation.write_subtitles import write_subtitles
