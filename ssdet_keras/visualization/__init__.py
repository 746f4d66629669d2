"""Figures and reports from arrays."""

from ssdet_keras.visualization.animate_augmentations import (
    animate_augmentations,
)
from ssdet_keras.visualization.annotate_frames import annotate_frames
from ssdet_keras.visualization.draw_augmentations import draw_augmentations
from ssdet_keras.visualization.draw_class_gains import draw_class_gains
from ssdet_keras.visualization.draw_overlay import draw_overlay
from ssdet_keras.visualization.draw_timeline import draw_timeline
from ssdet_keras.visualization.draw_training_curves import draw_training_curves
from ssdet_keras.visualization.write_animation import write_animation
from ssdet_keras.visualization.write_detection_page import write_detection_page
from ssdet_keras.visualization.write_page import write_page
