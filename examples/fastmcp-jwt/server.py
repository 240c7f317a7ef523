"""A FastMCP server that knows who calls: python server.py ISSUER JWKS [PORT]

ISSUER is the public URL of the gateway; JWKS is where it publishes its keys, or a file with what `breakwater keys jwks` prints.
"""

import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token


def read_file(request: httpx2.Request) -> httpx2.Response:
    """Answers a file:// URL, each time anew since the gateway changes its keys"""
    return httpx2.Response(200, content=Path(request.url.path).read_bytes())


def build_verifier(issuer: str, jwks: str, audience: str) -> JWTVerifier:
    is_url = jwks.startswith(("http://", "https://"))
    return JWTVerifier(
        jwks_uri=jwks if is_url else Path(jwks).resolve().as_uri(),
        http_client=None if is_url else httpx2.AsyncClient(transport=httpx2.MockTransport(read_file)),
        issuer=issuer,
        audience=audience,
        algorithm="ES256",
    )


def build_server(verifier: JWTVerifier) -> FastMCP:
    mcp = FastMCP("WhoCalls", auth=verifier)

    @mcp.tool
    def whoami() -> str:
        """Says who calls, by which client, and with which scopes"""
        token = get_access_token()
        if token is None:
            return "nobody"
        return f"{token.subject} by {token.client_id} with {' '.join(token.scopes) or 'no scopes'}"

    return mcp


if __name__ == "__main__":
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 8000
    # The gateway's tokens are for the URL that its route names as the upstream.
    verifier = build_verifier(sys.argv[1], sys.argv[2], f"http://127.0.0.1:{port}/mcp")
    build_server(verifier).run(transport="http", host="127.0.0.1", port=port, path="/mcp")
