import head_references
import numpy as np
import torch
from head_test_case import GOLDEN
from head_test_case import HeadTestCase
from head_test_case import generated_state
from ops.gradients import to_numpy

from ssdet_keras.models import PDANHead

SMALL = {"num_stages": 2, "num_blocks": 3, "units": 6}


class PDANHeadTest(HeadTestCase):
    def test_golden(self):
        with np.load(GOLDEN / "pdan_small_2stage.npz") as file:
            golden = dict(file)
        prefix = "state/"
        state = {
            name.removeprefix(prefix): torch.from_numpy(value)
            for name, value in golden.items()
            if name.startswith(prefix)
        }
        head = PDANHead(10, num_stages=2, num_blocks=3, units=32)
        self.load(head, state, 64)
        x = golden["features"].transpose(0, 2, 1)
        mask, expected = golden["mask"][:, 0], golden["logits"].mT
        stage = head.stages[0]
        # The second video has no padding.
        self.assert_logits(stage(x, mask=mask)[1], expected[0, 1])
        self.assert_logits(head(x, mask=mask)[1], expected[1, 1])
        # The authors' first block sees padding, as far as from step 20 to 19,
        # and the next ones what it gives.
        self.assert_logits(stage(x, mask=mask)[0, :13], expected[0, 0, :13])
        self.assert_logits(head(x, mask=mask)[0, :6], expected[1, 0, :6])
        attention = stage.attentions[2](stage.input_layer(x))
        self.assert_logits(attention, golden["attention"].mT)

    def test_public_checkpoint(self):
        self.run_checkpoint_test(
            PDANHead(157),
            generated_state("pdan_1x5x512"),
            "PDAN",
            1024,
            head_references.pdan_head,
        )

    def test_misfit(self):
        self.run_misfit_test(
            PDANHead(157),
            generated_state("pdan_1x5x512"),
            1024,
            "stage1.layers.2.conv_attention.value_conv.weight",
        )

    def test_padding_has_no_effect(self):
        self.run_padding_test(PDANHead(5, **SMALL), 4)

    def test_padding_in_between_has_no_effect(self):
        head = self.build(PDANHead(5, **SMALL), None, None, 4)
        x, mask = self.draw(1, 9, 4), np.ones((1, 9), bool)
        mask[:, 3:5] = False
        expected = to_numpy(head(x, mask=mask))[mask]
        x[:, 3:5] = np.nan
        outputs = to_numpy(head(x, mask=mask))
        np.testing.assert_allclose(outputs[mask], expected, atol=1e-5)

    def test_unknown_steps(self):
        self.run_unknown_steps_test(PDANHead(5, **SMALL), 4)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: PDANHead(5, num_blocks=2, units=6, dtype=dtype),
            0.5 * self.draw(2, 9, 4),
            "float32",
        )

    def test_gradients(self):
        self.run_gradients_test(PDANHead(5, **SMALL), 0.1 * self.draw(2, 9, 4))

    def test_detector(self):
        self.run_detector_test(PDANHead(5, name="pdan", **SMALL), 5)

    def test_round_trip(self):
        self.run_round_trip_test(PDANHead(5, 2, 3, 6, 0.1, name="pdan"))

    def test_invalid_arguments(self):
        self.run_invalid_arguments_test(PDANHead)
        with self.assertRaisesRegex(ValueError, "num_stages=0"):
            PDANHead(2, num_stages=0)
