"""Answers each request with what was read of it, once as WSGI (gunicorn) and once as ASGI (uvicorn) application."""

import hashlib
import json


def _echo(method, target, mark, body):
    digest = hashlib.sha256(body).hexdigest()
    told = {"method": method, "target": target, "mark": mark, "length": len(body), "sha256": digest}
    return json.dumps(told).encode()


def wsgi(environ, start_response):
    body = environ["wsgi.input"].read()
    answer = _echo(environ["REQUEST_METHOD"], environ["RAW_URI"], environ.get("HTTP_X_MARK"), body)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    query = scope["query_string"]
    target = (scope["raw_path"] + (b"?" + query if query else b"")).decode("latin1")
    marks = [value.decode("latin1") for name, value in scope["headers"] if name == b"x-mark"]
    answer = _echo(scope["method"], target, ",".join(marks) if marks else None, body)
    length = str(len(answer)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
