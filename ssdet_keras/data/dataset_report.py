"""The report of the check of a data set."""

import dataclasses

from ssdet_keras.data.finding import FINDING_KINDS
from ssdet_keras.data.format_report import format_report


@dataclasses.dataclass(frozen=True)
class PartSummary:
    """What a part of a data set holds.

    Args:
        name: String.
        num_videos: Integer.
        num_segments: Integer.
        seconds: Float. Length of all its videos.
        repairs: Dict. What the reader changed, and how often.
        classes: Dict of the class names to dicts of `"videos"`, `"segments"`
            and `"seconds"`.
    """

    name: str
    num_videos: int
    num_segments: int
    seconds: float
    repairs: dict
    classes: dict


@dataclasses.dataclass(frozen=True)
class DatasetReport:
    """What `check_dataset()` found.

    Args:
        parts: List of `PartSummary`.
        findings: List of `Finding`.
        fps: Dict of frame rates to numbers of video files.
        settings: Dict of the settings of the check.
    """

    parts: list
    findings: list
    fps: dict
    settings: dict

    @property
    def problems(self):
        """The findings about which something should be done."""
        return [f for f in self.findings if FINDING_KINDS[f.kind].is_problem]

    def by_kind(self):
        """Returns lists of findings by their kind, in order of weight."""
        groups = {kind: [] for kind in FINDING_KINDS}
        for finding in self.findings:
            groups[finding.kind].append(finding)
        return {kind: found for kind, found in groups.items() if found}

    def to_skip(self, kinds):
        """Returns the paths of videos with findings of some kinds.

        Args:
            kinds: Sequence of keys of `FINDING_KINDS`.

        Returns:
            Dict of paths to reasons.
        """
        reasons = {}
        for finding in self.findings:
            if finding.kind in kinds:
                reason = f"{finding.kind}: {finding.detail}"
                reasons.setdefault(finding.path, []).append(reason)
        return {path: "; ".join(texts) for path, texts in reasons.items()}

    def to_json(self):
        """Returns all of it as a dict for `json.dump()`."""
        return {
            "version": 1,
            "settings": self.settings,
            "num_problems": len(self.problems),
            "counts": {kind: len(f) for kind, f in self.by_kind().items()},
            "parts": [dataclasses.asdict(part) for part in self.parts],
            "fps": {f"{fps:g}": count for fps, count in self.fps.items()},
            "findings": [dataclasses.asdict(f) for f in self.findings],
        }

    def to_text(self):
        """Returns a text for a terminal."""
        return format_report(self)
