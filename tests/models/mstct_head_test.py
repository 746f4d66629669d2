import functools

import head_references
import keras
import numpy as np
import torch
from head_test_case import HeadTestCase
from head_test_case import generated_state
from ops.gradients import to_numpy

from ssdet_keras.models import MSTCTHead
from ssdet_keras.training import FrameCrossEntropy
from ssdet_keras.training import HeatMapLoss
from ssdet_keras.training import center_heat_maps

SMALL = {
    "stage_units": (4, 6, 8, 10),
    "num_blocks": 1,
    "num_heads": 2,
    "mlp_ratio": 2,
    "mixer_units": 5,
}


class MSTCTHeadTest(HeadTestCase):
    def test_public_checkpoint(self):
        head = MSTCTHead(20, (32, 48, 72, 108), 2, 4, 4, 40)
        reference = functools.partial(head_references.mstct_head, num_heads=4)
        state = generated_state("mstct_small")
        self.run_checkpoint_test(
            head, state, "MS-TCT", 64, lambda *args: reference(*args)[0]
        )
        x = self.draw(2, 21, 64)
        outputs = head(x, return_heat_map=True)
        logits, heat_map = reference(state, torch.from_numpy(x))
        self.assert_logits(outputs["logits"], logits.numpy())
        self.assert_logits(outputs["heat_map"], heat_map.numpy())

    def test_misfit(self):
        self.run_misfit_test(
            MSTCTHead(20, (32, 48, 72, 108), 2, 4, 4, 40),
            generated_state("mstct_small"),
            64,
            "TemporalEncoder.block2.0.norm1.weight",
        )

    def test_padding_has_no_effect(self):
        self.run_padding_test(MSTCTHead(5, **SMALL), 4)

    def test_padding_has_no_effect_on_the_heat_map(self):
        head = self.build(MSTCTHead(5, **SMALL), None, None, 4)
        x = self.draw(3, 13, 4)
        padded, mask = self.pad(x, (13, 6, 1), 17)
        outputs = head(padded, mask=mask, return_heat_map=True)["heat_map"]
        for i, length in enumerate((13, 6, 1)):
            alone = head(x[i : i + 1, :length], return_heat_map=True)
            np.testing.assert_allclose(
                to_numpy(outputs)[i, :length],
                to_numpy(alone["heat_map"])[0],
                rtol=0,
                atol=1e-5,
            )

    def test_unknown_steps(self):
        self.run_unknown_steps_test(MSTCTHead(5, **SMALL), 4)

    def test_mixed_precision(self):
        self.run_mixed_precision_test(
            lambda dtype: MSTCTHead(5, dtype=dtype, **SMALL),
            self.draw(2, 9, 4),
            "float32",
        )

    def test_trains_with_heat_maps(self):
        """Every weight takes part in the published training."""
        features, mask = keras.Input((None, 4)), keras.Input((None,))
        head = MSTCTHead(3, dropout=0.1, **SMALL)
        outputs = head(features, mask=mask, return_heat_map=True)
        model = keras.Model([features, mask], outputs)
        model.compile(
            keras.optimizers.Adam(1e-2),
            loss={"logits": FrameCrossEntropy(), "heat_map": HeatMapLoss()},
            loss_weights={"logits": 1.0, "heat_map": 0.05},
        )
        x = self.draw(2, 9, 4)
        valid = (np.arange(9) < np.array([[9], [6]])).astype("float32")
        labels = (x[..., :3] > 0).astype("float32")
        labels[valid == 0] = -1
        before = head.get_weights()
        model.fit(
            [x, valid],
            {"logits": labels, "heat_map": center_heat_maps(labels)},
            epochs=2,
            verbose=0,
        )
        for old, new in zip(before, head.get_weights(), strict=True):
            self.assertTrue(np.isfinite(new).all())
            self.assertGreater(np.abs(old - new).max(), 0)
        model.save(self.folder / "model.keras")
        restored = keras.saving.load_model(self.folder / "model.keras")
        for name, value in model.predict_on_batch([x, valid]).items():
            np.testing.assert_allclose(
                restored.predict_on_batch([x, valid])[name], value, atol=1e-5
            )

    def test_detector(self):
        self.run_detector_test(MSTCTHead(5, name="mstct", **SMALL), 5)

    def test_round_trip(self):
        head = MSTCTHead(5, (4, 6), 2, 1, 3, 5, 0.1, name="mstct")
        self.run_round_trip_test(head)

    def test_invalid_arguments(self):
        self.run_invalid_arguments_test(MSTCTHead)
        with self.assertRaisesRegex(ValueError, r"stage_units=\(\)"):
            MSTCTHead(2, stage_units=())
        with self.assertRaisesRegex(ValueError, "num_heads=0"):
            MSTCTHead(2, num_heads=0)
        with self.assertRaisesRegex(ValueError, "units=0"):
            MSTCTHead(2, mixer_units=0)
