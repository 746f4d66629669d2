import head_references
import numpy as np
from absl.testing import parameterized
from head_test_case import HeadTestCase
from head_test_case import generated_state

from ssdet_keras.models import TGMHead

SMALL = {"num_layers": 2, "channels": 3, "num_filters": 4, "hidden_units": 6}


class TGMHeadTest(HeadTestCase):
    @parameterized.parameters(
        ("tgm_stack", False), ("tgm_hier_superevent", True)
    )
    def test_public_checkpoint(self, name, super_events):
        self.run_checkpoint_test(
            TGMHead(65, super_events),
            generated_state(name),
            "TGM",
            1024,
            head_references.tgm_head,
        )

    def test_misfit(self):
        state = generated_state("tgm_stack")
        self.run_misfit_test(TGMHead(65), state, 1024, "sub_event2.soft_attn")
        # A convolution of one channel is one of eight of a weight.
        del state["sub_event3.convs.7.bias"]
        with self.assertRaisesRegex(
            ValueError,
            r"sub_event3\.convs\.bias \(7,\) -> mixture3/bias \(8,\)",
        ):
            self.load(TGMHead(65), state, 1024)

    @parameterized.parameters(False, True)
    def test_padding_has_no_effect(self, super_events):
        self.run_padding_test(TGMHead(5, super_events, **SMALL), 4)

    @parameterized.parameters(False, True)
    def test_unknown_steps(self, super_events):
        self.run_unknown_steps_test(TGMHead(5, super_events, **SMALL), 4)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: TGMHead(5, True, dtype=dtype, **SMALL),
            self.draw(2, 9, 4),
            "float32",
        )

    def test_gradients(self):
        head = TGMHead(5, True, **SMALL)
        self.run_gradients_test(head, np.abs(self.draw(2, 9, 4)))

    def test_detector(self):
        self.run_detector_test(TGMHead(5, True, name="tgm"), 5)

    def test_round_trip(self):
        self.run_round_trip_test(TGMHead(5, True, 2, 3, 4, 7, 6, 0.1, name="t"))

    def test_invalid_arguments(self):
        self.run_invalid_arguments_test(TGMHead)
        with self.assertRaisesRegex(ValueError, "num_layers=0"):
            TGMHead(2, num_layers=0)
        with self.assertRaisesRegex(ValueError, "channels=0"):
            TGMHead(2, channels=0)
