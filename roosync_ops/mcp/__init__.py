"""The tools an operator's assistant calls, over MCP: thin, as the command line is. Parse, ask the rooms below, show.

`server` is the protocol's side (the SDK is the library `mcp`, which this package only stands beside), `tools` the list
of tools, each other module what a few of them do. Nothing here but `server` and `tools` knows the SDK.
"""
