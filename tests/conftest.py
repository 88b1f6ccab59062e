"""What holds for every test: no setting of the person who runs them reaches it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

_LOOKS = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


@pytest.fixture(autouse=True)
def _no_setting_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Field note 10: tests once wrote to the production folder because the environment variable won."""
    for name in [*_LOOKS, *(name for name in os.environ if name.startswith("ROOSYNC_"))]:
        monkeypatch.delenv(name, raising=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing is skipped for want of a part: .ci/run installs them, so such a skip is a failure."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if "does not apply" not in reason:
            report.outcome = "failed"
            report.longrepr = f"skipped in CI, where every part is to be there: {reason}"
    return report
