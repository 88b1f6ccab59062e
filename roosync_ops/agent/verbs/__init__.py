"""One module a verb; each has `answer(flags)`, which returns the JSON document and the lines a person reads."""
