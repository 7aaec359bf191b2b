"""The one list of tabs. To add a tab: one file, one row."""

from types import ModuleType

from demo import interpolate_tab, sample_tab

# The name in links and in the API -> a module with a TITLE and `build(page) -> Tab`.
TABS: dict[str, ModuleType] = {
    "sample": sample_tab,
    "interpolate": interpolate_tab,
}
