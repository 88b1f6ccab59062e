"""What to type next, by the code of a reason or a flip: the words behind `roosync-ops`, the same in any language."""

from __future__ import annotations

from typing import Final

REASONS: Final = {
    "never-seen": "rollout --limit {machine}",
    "file-not-understood": "restart --limit {machine}",
    "no-valid-heartbeat": "restart --limit {machine}",
    "missing-beats": "validate --wait 60",
    "silent": "restart --limit {machine}",
    "kept-by-older-service": "rollout --limit {machine}",
    "older-service-silent": "rollout --limit {machine}",
    "older-service-left": "rollout --limit {machine}",
    "left": "restart --limit {machine}",
    "beats-though-expected-offline": "stop --limit {machine}",
    "observer-suspected": "matrix",
    "replica-behind-the-view": "matrix",
    "replica-behind": "matrix",
    "no-view": "status",
    "not-in-heartbeats": "status",
    "stored-status": "validate --wait 60",
    "not-in-online-machines": "validate --wait 60",
    "online-count-not-up": "validate",
    "machine-off": "diagnose {machine}",
    "not-let-in": "diagnose {machine}",
    "no-usable-answer": "diagnose {machine}",
    "no-agent": "rollout --limit {machine}",
    "agent-gone": "restart --limit {machine}",
    "agent-silent": "restart --limit {machine}",
    "share-stuck": "diagnose {machine}",
    "upload-stalled": "diagnose {machine}",
    "observer-stale": "matrix",
    "not-arriving": "matrix",
    "share-stalled": "matrix",
    "replica-unreadable": "diagnose",
    "twin-identity": "diagnose {machine}",
    "clock-wrong": "diagnose {machine}",
    "reader-clock-wrong": "validate",
    "clock-stepped": "diagnose {machine}",
    "clock-contradicted": "validate --probe",
    "clock-disagrees": "validate --probe",
    "clock-seems-behind": "validate --probe",
    "clock-hides-silence": "validate --probe",
}
FLIPS: Final = {
    "silent": "restart --limit {machine}",
    "silent-with-nobody-to-compare": "matrix",
    "record-gone": "status",
    "no-beat-of-anybody": "matrix",
    "most-look-gone-at-once": "matrix",
}
