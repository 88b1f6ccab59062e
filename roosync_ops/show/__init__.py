"""Verdicts in, text out. This room decides nothing; whatever came from the share leaves it escaped."""

from .document import json_text, survey_document, validation_document
from .exports import junit, openmetrics
from .matrix import matrix_document, matrix_markdown, matrix_table
from .reasons import sentence
from .table import check_lines, machines_table, markdown, survey_table, table
