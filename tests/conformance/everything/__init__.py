"""An MCP server with everything that the official suite asks for, on the official SDK. It knows no Accredit."""
