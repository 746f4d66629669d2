import head_references
from absl.testing import parameterized
from head_test_case import HeadTestCase
from head_test_case import generated_state

from ssdet_keras.models import SuperEventHead


class SuperEventHeadTest(HeadTestCase):
    @parameterized.parameters(
        ("se_cvpr", 157, False), ("se_tgmrepo_maxpool", 65, True)
    )
    def test_public_checkpoint(self, name, num_classes, max_over_filters):
        self.run_checkpoint_test(
            SuperEventHead(num_classes, max_over_filters=max_over_filters),
            generated_state(name),
            "super-events",
            1024,
            head_references.super_event_head,
        )

    def test_misfit(self):
        self.run_misfit_test(
            SuperEventHead(157), generated_state("se_cvpr"), 1024, "cls_wts"
        )

    def test_padding_has_no_effect(self):
        self.run_padding_test(SuperEventHead(5), 4)

    def test_unknown_steps(self):
        self.run_unknown_steps_test(SuperEventHead(5), 4)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: SuperEventHead(5, dtype=dtype),
            self.draw(2, 9, 4),
            "float32",
        )

    def test_gradients(self):
        self.run_gradients_test(SuperEventHead(5), self.draw(2, 9, 4))

    def test_detector(self):
        self.run_detector_test(SuperEventHead(5, name="se"), 5)

    def test_round_trip(self):
        self.run_round_trip_test(SuperEventHead(5, 2, True, 0.1, name="se"))

    def test_invalid_arguments(self):
        self.run_invalid_arguments_test(SuperEventHead)
