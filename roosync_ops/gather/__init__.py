"""What is asked and read before anything is judged: the shared state, the machines' own words, and what was kept.

One function for each question (`validation`, `who_sees_whom`, `diagnoses`, `pasts`): the command line, the MCP server,
the dashboard and the report all ask it here, and so get the same answer. Nothing here prints.
"""
