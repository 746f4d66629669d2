import unittest

import keras

from ssdet_keras.models import CoarseFineDetector
from ssdet_keras.models import FrameDetector
from ssdet_keras.models import SlowFastDetector
from ssdet_keras.models import VideoClassifier
from ssdet_keras.models import X3DBackbone
from ssdet_keras.models import count_costs

# Counted by hand for this clip and `tiny_backbone`.
CLIP = (3, 64, 96, 3)


def tiny_backbone():
    return X3DBackbone("m", width=0.25, depth=0.1)


def block(channels, inner, filters, pixels, stride, squeeze):
    """Returns parameters, multiply-adds and activations of a block, by hand.

    `pixels` is the number of output pixels, of all three frames.
    """
    shortcut = stride > 1
    parameters = channels * inner + 27 * inner + inner * filters
    parameters += 2 * inner + 2 * inner + 2 * filters
    multiply_adds = pixels * stride**2 * inner * channels
    multiply_adds += pixels * inner * 27 + pixels * filters * inner
    activations = pixels * (stride**2 * inner + inner + filters)
    if squeeze:
        parameters += 2 * inner * squeeze + inner + squeeze
        multiply_adds += 2 * inner * squeeze
        activations += inner + squeeze
    if shortcut:
        parameters += channels * filters
        parameters += 2 * filters if channels != filters else 0
        multiply_adds += pixels * filters * channels
        activations += pixels * filters
    return parameters, multiply_adds, activations


def add(first, second):
    return tuple(a + b for a, b in zip(first, second, strict=True))


class CountCostsTest(unittest.TestCase):
    def test_published_model(self):
        classifier = VideoClassifier(X3DBackbone("m"), 400)
        *_, total = count_costs(classifier, (16, 224, 224, 3))
        self.assertEqual(total.parameters, 3_794_274)
        # What fvcore 0.1.5 counts of the convolutions and dense layers of
        # PyTorchVideo's X3D-M.
        self.assertEqual(total.multiply_adds, 4_732_468_736)
        self.assertEqual(total.activations, 87_914_520)

    def test_two_streams(self):
        """Fast costs a detector; Slow the same of fewer frames, after stage 1.

        The fusions are dense convolutions of seven taps at 7 x 7.
        """
        slow, fast = tiny_backbone(), tiny_backbone()
        detector = SlowFastDetector(slow, fast, 5, ratio=2)
        found = {x.name: x for x in count_costs(detector, (6, 64, 96, 3))}
        alone = FrameDetector(tiny_backbone(), 5)
        whole, half = (
            {x.name: x for x in count_costs(alone, (n, 64, 96, 3))}
            for n in (6, 3)
        )
        names = ["stem", "stage1", "stage2", "stage3", "stage4", "conv5"]
        fusion = sum(7 * c * c for c in (8, 16, 24, 48))
        expected = {
            **{f"fast {name}": whole[name][2:5] for name in [*names, "head"]},
            **{f"slow {name}": half[name][2:5] for name in [*names, "head"]},
            "slow stem": whole["stem"][2:5],
            "slow stage1": whole["stage1"][2:5],
            "slow fusion": (
                fusion + 2 * (8 + 16 + 24 + 48),
                3 * 49 * fusion,
                3 * 49 * (8 + 16 + 24 + 48),
            ),
        }
        self.assertEqual(
            {k: v[2:5] for k, v in found.items() if k in expected}, expected
        )
        sums = tuple(map(sum, zip(*expected.values(), strict=True)))
        self.assertEqual(found["total"][2:5], sums)
        self.assertEqual(len(found), len(expected) + 1)
        self.assertEqual(found["slow stage2"].output_shape, (3, 8, 12, 16))
        # Of the stem and of blocks, the last four at a stride of two.
        self.assertEqual(found["fast conv5"].receptive_field[0], 5 + 2 + 4 * 2)
        self.assertEqual(found["slow conv5"].receptive_field[0], 5 + 2 + 4 * 4)

    def test_coarse_fine(self):
        """6 frames of Fine, 3 regions of 2 frames, and so 4 steps of Coarse."""
        coarse, fine = tiny_backbone(), tiny_backbone()
        detector = CoarseFineDetector(coarse, fine, 5, ratio=2)
        found = {x.name: x for x in count_costs(detector, (6, 64, 96, 3))}
        # Of 16 x 24 pixels, each convolution leaves half the rows and columns.
        self.assertEqual(
            found["slow grid"][2:5],
            (
                27 * 8 * 8 + 8 + 2 * 8 + 9 * 8 + 1,
                3 * 8 * 12 * 8 * 27 * 8 + 3 * 4 * 6 * 9 * 8,
                3 * 8 * 12 * 8 + 3 * 4 * 6,
            ),
        )
        parameters = multiply_adds = 0
        mixed = 8 + 16 + 24 + 48
        # Of stages of 16 x 24 to 2 x 3 pixels: those of 7 x 7 at most, and
        # between two neighbours.
        pixels = (13 * 13, 13 * 13, 7 * 11, 3 * 5)
        for channels, size in zip((8, 16, 24, 48), pixels, strict=True):
            square = channels * channels
            parameters += 5 * (square + channels) + channels + 1
            parameters += 2 * (mixed * channels + channels)
            multiply_adds += 6 * 49 * (square + channels) + 4 * 4 * 49 * square
            multiply_adds += 4 * 2 * size * mixed * channels
        # Of the logits, averaged over space.
        parameters += 3 * (108 * 108 + 108) + 108 + 1 + 2 * (108 * 5 + 5)
        multiply_adds += 6 * 49 * (108 * 108 + 108)
        multiply_adds += 4 * 2 * (108 * 108 + 108 * 5)
        self.assertEqual(found["slow fusion"][2:4], (parameters, multiply_adds))
        self.assertEqual(found["slow stage2"].output_shape, (4, 8, 12, 16))

    def test_every_part_by_hand(self):
        classifier = VideoClassifier(tiny_backbone(), 5)
        parts = count_costs(classifier, CLIP)
        self.assertEqual(
            [part.name for part in parts],
            [
                "stem",
                "stage1",
                "stage2",
                "stage3",
                "stage4",
                "conv5",
                "head",
                "total",
            ],
        )
        self.assertEqual(
            [part.output_shape for part in parts],
            [
                (3, 32, 48, 8),
                (3, 16, 24, 8),
                (3, 8, 12, 16),
                (3, 4, 6, 24),
                (3, 2, 3, 48),
                (3, 2, 3, 108),
                (5,),
                (5,),
            ],
        )
        outputs = 3 * 32 * 48 * 8
        expected = [
            (27 * 8 + 5 * 8 + 2 * 8, outputs * (27 + 5), 2 * outputs),
            block(8, 18, 8, 3 * 16 * 24, 2, 8),
            block(8, 36, 16, 3 * 8 * 12, 2, 8),
            add(
                block(16, 54, 24, 3 * 4 * 6, 2, 8),
                block(24, 54, 24, 3 * 4 * 6, 1, 0),
            ),
            block(24, 108, 48, 3 * 2 * 3, 2, 8),
            (48 * 108 + 2 * 108, 18 * 108 * 48, 18 * 108),
            (108 * 512 + 512 * 5 + 5, 108 * 512 + 512 * 5, 512 + 5),
        ]
        for part, counts in zip(parts, expected, strict=False):
            with self.subTest(part=part.name):
                self.assertEqual(part[2:5], counts)
        self.assertEqual(
            parts[-1][2:5],
            tuple(sum(part[i] for part in parts[:-1]) for i in (2, 3, 4)),
        )

    def test_receptive_field(self):
        parts = count_costs(tiny_backbone(), CLIP)
        # Windows of 3 pixels at steps of 1 (the stem), 2, 4, 8, 16 and 16, 32.
        sizes = [3, 7, 15, 31 + 32, 95, 95, 95]
        frames = [5, 7, 9, 13, 15, 15, 15]
        self.assertEqual(
            [part.receptive_field for part in parts],
            [(f, n, n) for f, n in zip(frames, sizes, strict=True)],
        )

    def test_head_that_is_a_layer(self):
        head = keras.layers.Conv1D(
            2, 3, dilation_rate=2, padding="same", name="head"
        )
        detector = FrameDetector(tiny_backbone(), 2, head=head)
        part = count_costs(detector, CLIP)[-2]
        self.assertEqual(part.output_shape, (3, 2))
        self.assertEqual(part[2:5], (3 * 108 * 2 + 2, 6 * 3 * 108, 6))
        self.assertEqual(part.receptive_field, (15 + 4, 95, 95))

    def test_model_is_left_alone(self):
        detector = FrameDetector(tiny_backbone(), 2)
        detector.backbone.trainable = False
        before = count_costs(FrameDetector(tiny_backbone(), 2), CLIP)
        self.assertEqual(count_costs(detector, CLIP), before)
        self.assertEqual(detector.input_shape, (None, None, None, None, 3))
        self.assertFalse(detector.backbone.trainable)

    def test_unknown_sizes(self):
        with self.assertRaisesRegex(ValueError, r"temporal.*\(None, None, 32"):
            count_costs(tiny_backbone(), (None, *CLIP[1:]))

    def test_layer_of_unknown_costs(self):
        head = keras.layers.GRU(2, return_sequences=True, name="head")
        detector = FrameDetector(tiny_backbone(), 2, head=head)
        with self.assertRaisesRegex(ValueError, "head.*, a GRUCell"):
            count_costs(detector, CLIP)

    def test_other_backbone(self):
        videos = keras.Input((None, None, None, 3))
        backbone = keras.Model(videos, videos * 2)
        with self.assertRaisesRegex(ValueError, "must be a backbone of this"):
            count_costs(VideoClassifier(backbone, 2), CLIP)
