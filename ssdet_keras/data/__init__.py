"""Data sets of videos: records, frames, clips and loaders."""

from ssdet_keras.data.charades import read_charades
from ssdet_keras.data.check_dataset import check_dataset
from ssdet_keras.data.class_names import read_class_names
from ssdet_keras.data.clip_batches import ClipBatches
from ssdet_keras.data.clip_source import ClipSource
from ssdet_keras.data.frame_labels import labels_at
from ssdet_keras.data.kinetics import read_kinetics
from ssdet_keras.data.multithumos import read_multithumos
from ssdet_keras.data.prepare_video import prepare_video
from ssdet_keras.data.prepare_videos import prepare_videos
from ssdet_keras.data.probe_video import probe_video
from ssdet_keras.data.run_jobs import run_jobs
from ssdet_keras.data.skip_list import read_skip_list
from ssdet_keras.data.skip_list import skip_videos
from ssdet_keras.data.skip_list import write_skip_list
from ssdet_keras.data.stitch_windows import stitch_windows
from ssdet_keras.data.video_file import VideoFile
from ssdet_keras.data.video_read_error import VideoReadError
from ssdet_keras.data.video_record import VideoRecord
from ssdet_keras.data.video_records import VideoRecords
from ssdet_keras.data.video_windows import VideoWindows
from ssdet_keras.data.videos import read_videos
from ssdet_keras.data.whole_video import read_whole_video
from ssdet_keras.data.write_video import write_video
