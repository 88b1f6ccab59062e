"""Reasons and flips in English: one message, one line. What to type next is in `messages.commands`."""

from __future__ import annotations

from typing import Final

# fmt: off
#: A few words for a table's cell; one sentence: the cause and, where there is one, the next step, which its command follows.
REASONS: Final = {
    "never-seen": ("never seen", "{machine} was never seen in the shared state{sign_said}; put the agent on it"),
    "file-not-understood": ("unreadable file", "{file} cannot be used ({kind}: {detail}); have its machine write it again"),
    "no-valid-heartbeat": ("no valid heartbeat", "{file} holds no valid heartbeat ({kind}: {detail}); have its machine write it again"),
    "missing-beats": ("{missed} beats missed", "{machine} missed {missed} beats, its last one is {age} old{sign_said}; look again"),
    "silent": ("silent {age}", "{machine} has been silent for {age}, since {since}{sign_said}; start it again"),
    "kept-by-older-service": ("old service, {age}", "{machine} runs the old service, which writes this seldom (last {age} ago{sign_said}); enrol it"),
    "older-service-silent": ("old service silent", "{machine} has been silent for {age}, since {since}, and ran only the old service{sign_said}; enrol it"),
    "older-service-left": ("stopped on purpose", "{machine} was stopped on purpose at {since}{suspect}, and ran only the old service; enrol it"),
    "left": ("stopped on purpose", "{machine} was stopped on purpose at {since}{suspect}{undone_said}; start it again"),
    "beats-though-expected-offline": ("beats, expected off", "{machine} is expected offline{because} and is {observed}{suspect}; correct the inventory, or stop it"),
    "clock-suspected": ("clock suspected", "the last heartbeat of {machine} lies {ahead} in the future; compare its clock with this computer's"),
    "observer-suspected": ("observer suspected", "{gone} of {of} machines look gone or late at once ({machine}: {heard}); suspect this observer's replica or the share first, and ask the machines"),
    "replica-behind-the-view": ("replica stale?", "{machine} is silent here for {age}, and this replica may be stale: heartbeat.json has a beat {newer} newer than the machine's own file; compare replicas"),
    "replica-behind": ("replica stale?", "{machine} is silent here for {age}, and this replica may be stale: heartbeat.json is {lag} older than the last beat of {keeper}, which writes it; compare replicas"),
    "no-view": ("no view", "there is no heartbeat.json; see what the shared state holds"),
    "not-in-heartbeats": ("not in heartbeats", "heartbeat.json has no entry for {machine}; see what the shared state holds"),
    "stored-status": ("not online", "heartbeat.json says {status}, not online, for {machine}; look again"),
    "not-in-online-machines": ("not listed", "onlineMachines of heartbeat.json lacks {machine}; look again"),
    "online-count-not-up": ("count not up", "onlineCount is {after}, was {before} and should be at least {wanted}; see which machine is missing"),
    "machine-off": ("machine off", "{name} does not answer ({detail}): it is off, or cannot be reached from here; see why"),
    "not-let-in": ("no access", "{name} is on and refuses this computer ({detail}), so the state of its agent is unknown"),
    "no-usable-answer": ("no usable answer", "{name} is on, and its answer does not tell the state of its agent ({detail}); see why"),
    "no-agent": ("no agent", "{name} is on and has no agent; install it"),
    "agent-gone": ("agent not running{at}", "{name} is on, and its agent is not running{since_when}; start it again"),
    "agent-silent": ("agent silent{at}", "the agent of {name} runs, and has not beaten{since_when}; restart it"),
    "share-stuck": ("share blocked{at}", "{name}: agent running, share blocked{since_when} ({state}: {detail}); restart the sync product there, or see more"),
    "upload-stalled": ("no upload{at}", "{name}: agent running, its beats are not uploaded{since_when} ({behind} of {of} replicas lag); restart the sync product there, or see more"),
    "observer-stale": ("stale{at}", "observer {name}: its replica is stale{since_when} ({behind} of {of} machines lag in it); restart the sync product there, and look again"),
    "not-arriving": ("not arriving{at}", "beats of {name} do not reach {observer_name}{since_when}: an upload or a download is stalled, and no third machine shows which"),
    "share-stalled": ("share stalled{at}", "nothing is replicated{since_when} ({behind} of {of} beats arrive nowhere): the share is stalled, not the machines; check the sync product, and look again"),
    "replica-unreadable": ("replica unread", "{name} cannot read its own replica ({detail}); see why"),
    "twin-identity": ("two computers", "two computers beat as {name} ({detail}): stop the agent on the wrong one; see which"),
    "clock-wrong": ("clock {off_short}", "the clock of {name} is {off_long} this computer's; ages here are corrected for that; set it"),
    "reader-clock-wrong": ("this clock suspected", "this computer's clock is {off_long} those of {count} machines that agree; set it, and look again"),
    "clock-stepped": ("clock stepped", "clock suspected: {name} sent a later beat with an earlier time, {back} before; see its clock"),
    "clock-contradicted": ("clock suspected", "clock suspected: {name} looks silent for {age}, and its record says its clock was set back by {back}; ask the machine"),
    "clock-disagrees": ("clock suspected", "clock suspected: {name} stamps its beats with times that do not fit their arrival here; ask the machine"),
    "clock-seems-behind": ("clock suspected", "clock suspected: {name} looks silent for {age}, and the writer of heartbeat.json had no beat of it {unheard} after its last stamp; ask the machine"),
    "clock-hides-silence": ("clock suspected", "clock suspected: the heartbeat of {name} lies {ahead} in the future, and none has arrived here for {age}; ask the machine"),
}
FLIPS: Final = {
    "first-beat": "first heartbeat seen",
    "beats-again": "beats again",
    "started-again": "started again after its stop on purpose",
    "stopped-on-purpose": "stopped on purpose",
    "silent": "silent{since}, while other machines beat; start it again",
    "silent-with-nobody-to-compare": "silent{since}; no other machine beats here, so it may be the share",
    "record-gone": "its record is gone from the share, which does not show how the machine is; look",
    "flapping": "comes and goes ({detail}): not reported again until it settles",
    "settled": "has settled",
    "no-beat-of-anybody": "no heartbeat of any machine arrives; suspect this replica or the share before the machines",
    "most-look-gone-at-once": "most machines look gone at once; suspect this replica or the share before them",
    "share-unavailable": "cannot be read{detail_after}",
    "share-back": "heartbeats come in again",
}
