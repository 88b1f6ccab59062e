"""Hostile input for every file the readers take: promises, checked by hypothesis and a coverage-guided fuzzer."""
