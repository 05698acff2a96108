"""Guard an MCP server, or give an agent one identity."""
