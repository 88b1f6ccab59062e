"""Whatever the text and whichever the output, nothing a machine, a file or an inventory says is obeyed."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from roosync_ops import show
from roosync_ops.judge.reports import Report
from roosync_ops.show.dashboard import dashboard_markdown
from roosync_ops.show.page import page
from roosync_ops.show.report import report_document, report_markdown
from roosync_ops.watch.delivery import environment
from tests.kits import boards
from tests.kits.hostile import OBEYED, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from roosync_ops.judge.reports import Dashboard

#: However much was said: 30 places of a fleet of six, and 16 kB of each.
MOST = 600_000


@cache
def board(kind: str) -> Dashboard:
    return boards.hostile(6, text=TEXTS[kind], found=3)


def is_table(text: str) -> None:
    assert text.replace("\n", "").isprintable()


def is_json(text: str) -> None:
    json.loads(text)
    assert text.isascii() or "\u202e" not in text


def is_markdown(text: str) -> None:
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)  # in a code span nothing is obeyed
    assert not re.search(r"<(?:script|img|b)\b|(?<!\\)!\[|@everyone", outside)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    for head, *others in [rows[:1] + rows[1:]] if rows else []:
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in (head, *others)}
        assert len(bars) <= 4  # one width a table, and there are at most four


def is_xml(text: str) -> None:
    ET.fromstring(text)  # noqa: S314 - our own


def is_metrics(text: str) -> None:
    names = {family.name for family in text_string_to_metric_families(text + "\n")}
    assert names
    assert all(name.startswith("roosync_") for name in names)


def is_page(text: str) -> None:
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert not [name for name, _ in attrs if name.startswith("on")]
            tags.append(tag)

    Reader().feed(text)
    assert tags.count("script") == tags.count("style") == 1
    assert not {"img", "b", "iframe"} & set(tags)


OUTPUTS: dict[str, tuple[Callable[[Any], str], Callable[[str], None]]] = {
    "table": (lambda one: show.table(one.validation), is_table),
    "json": (lambda one: show.json_text(show.validation_document(one.validation)), is_json),
    "markdown": (lambda one: show.markdown(one.validation), is_markdown),
    "junit": (lambda one: show.junit(one.validation), is_xml),
    "openmetrics": (lambda one: show.openmetrics(one.validation), is_metrics),
    "report": (lambda one: report_markdown(Report(one.validation)), is_markdown),
    "report, json": (lambda one: show.json_text(report_document(Report(one.validation))), is_json),
    "matrix": (lambda one: show.matrix_table(one.matrix), is_table),
    "matrix, markdown": (lambda one: show.matrix_markdown(one.matrix), is_markdown),
    "page": (page, is_page),
    "shared dashboard": (dashboard_markdown, is_markdown),
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("output", OUTPUTS)
def test_no_output_obeys_what_it_shows(output: str, kind: str) -> None:
    render, check = OUTPUTS[output]
    text = render(board(kind))
    assert not OBEYED.search(text)
    assert not re.search(r"^(?:next: |roosync_machines 9|# EOF\n.)", text, re.MULTILINE)
    assert len(text) < MOST or "json" in output
    check(text)


@pytest.mark.parametrize("kind", TEXTS)
def test_any_flip_fits_a_command_s_environment(kind: str) -> None:
    text = TEXTS[kind]
    flip = {"machineId": text, "from": text, "to": text, "at": text, "reason": text, "planned": False, "flapping": True}
    for name, value in environment({**flip, "text": text}).items():
        assert b"\0" not in os.fsencode(f"{name}={value}")
        assert len(value) < 100_000
