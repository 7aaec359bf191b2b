"""The one list of tabs. To add a tab: one file, one row."""

from types import ModuleType

from demo.tabs import explore, interpolate, learning, reconstruct, sample, scores, stage

# The name in links and in the API -> a module with a TITLE and `build(page) -> Tab`.
TABS: dict[str, ModuleType] = {
    "stage": stage,  # the first opens
    "sample": sample,
    "interpolate": interpolate,
    "learning": learning,
    "explore": explore,
    "reconstruct": reconstruct,
    "scores": scores,
}
