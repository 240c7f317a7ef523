"""The echo server on FastMCP: python server.py [PORT]"""

import sys

from fastmcp import FastMCP

mcp = FastMCP("EchoServer")


@mcp.tool
def echo(message: str) -> str:
    """Says back what it is told"""
    return f"Just echo: {message}"


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    mcp.run(transport="http", host="127.0.0.1", port=port, path="/mcp")
