"""Verdicts in, text out. This room decides nothing; whatever came from the share leaves it escaped."""

from .checks import check_lines
from .document import error_free_json, survey_json, to_json
from .inventory import machines_table
from .junit import junit
from .markdown import markdown
from .matrix import matrix_json, matrix_markdown, matrix_table
from .openmetrics import openmetrics
from .reasons import sentence
from .table import survey_table, table

__all__ = [
    "check_lines",
    "error_free_json",
    "junit",
    "machines_table",
    "markdown",
    "matrix_json",
    "matrix_markdown",
    "matrix_table",
    "openmetrics",
    "sentence",
    "survey_json",
    "survey_table",
    "table",
    "to_json",
]
