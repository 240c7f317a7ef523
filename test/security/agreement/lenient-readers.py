"""Reads requests as lenient servers do, and says which of them would run the calls that are denied.

A line on standard input is a JSON object: `fields` (pairs of name and value), `body` (base64). A line on standard output
is the list of readers that found a denied call in it.
"""

import base64
import gzip
import json
import re
import sys
import urllib.parse
import zlib

DENIED = {"tools/call": "delete_all", "prompts/get": "delete_one", "resources/read": "file:///b"}


def last(pairs):
    return dict(pairs)


def first(pairs):
    members = {}
    for name, value in pairs:
        members.setdefault(name, value)
    return members


def folded(pairs):
    return {name.lower(): value for name, value in pairs}


def cut(value):
    """What is left in a language whose strings end at the first NUL."""
    if isinstance(value, str):
        return value.split("\0")[0]
    if isinstance(value, list):
        return [cut(entry) for entry in value]
    return value


def cut_first(pairs):
    return first([(cut(name), cut(value)) for name, value in pairs])


def cut_last(pairs):
    return last([(cut(name), cut(value)) for name, value in pairs])


def messages(value):
    if isinstance(value, list):
        for entry in value:
            yield from messages(entry)
    elif isinstance(value, dict):
        yield value


def is_denied(value):
    for message in messages(value):
        method, params = message.get("method"), message.get("params")
        if isinstance(method, list) and method:
            method = method[0]
        if isinstance(params, list) and params:
            params = params[0] if isinstance(params[0], dict) else {"name": params[0], "uri": params[0]}
        if not isinstance(method, str) or method not in DENIED or not isinstance(params, dict):
            continue
        name = params.get("uri" if method == "resources/read" else "name")
        if isinstance(name, list) and name:
            name = name[0]
        if name == DENIED[method]:
            return True
    return False


def documents(text):
    """All documents in a text, whatever stands between them."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        starts = [start for start in (text.find("{", at), text.find("[", at)) if start >= 0]
        if not starts:
            return
        at = min(starts)
        try:
            value, at = decoder.raw_decode(text, at)
            yield value
        except ValueError:
            at += 1


def relaxed(text):
    text = re.sub(r"/\*.*?\*/|//[^\n]*|#[^\n]*", "", text, flags=re.S)
    text = re.sub(r",\s*([}\]])", r"\1", text)
    return json.loads(text.replace("'", '"'), strict=False)


def form(text):
    members = {}
    for name, value in urllib.parse.parse_qsl(text, keep_blank_values=True):
        deep = re.fullmatch(r"params\[(\w+)\]", name)
        if deep:
            members.setdefault("params", {})[deep[1]] = value
        else:
            members[name] = value
    return members


def unpacked(body, fields):
    for name, value in fields:
        if name == "content-encoding":
            body = gzip.decompress(body) if "gzip" in value else zlib.decompress(body) if "deflate" in value else body
    return body


def in_charset(body, fields):
    for name, value in fields:
        found = re.search(r"charset\s*=\s*\"?([\w-]+)", value, re.I) if name == "content-type" else None
        if found:
            return json.loads(body.decode(found[1]))
    return None


def by_header(fields):
    values = dict(fields)
    name = values.get("mcp-name", "")
    encoded = re.fullmatch(r"=\?base64\?(.*)\?=", name)
    if encoded:
        name = base64.b64decode(encoded[1]).decode()
    return {"method": values.get("mcp-method"), "params": {"name": name, "uri": name}}


READERS = {
    "the last of two": lambda body, fields: json.loads(body, object_pairs_hook=last),
    "the first of two": lambda body, fields: json.loads(body, object_pairs_hook=first),
    "any letter case": lambda body, fields: json.loads(body, object_pairs_hook=folded),
    "the first of two, cut at NUL": lambda body, fields: json.loads(body, object_pairs_hook=cut_first),
    "the last of two, cut at NUL": lambda body, fields: json.loads(body, object_pairs_hook=cut_last),
    "every document": lambda body, fields: list(documents(body.decode(errors="ignore"))),
    "relaxed syntax": lambda body, fields: relaxed(body.decode(errors="ignore")),
    "decompressed": lambda body, fields: json.loads(unpacked(body, fields)),
    "the charset it names": in_charset,
    "a form": lambda body, fields: form(body.decode(errors="ignore")),
    "the header alone": lambda body, fields: by_header(fields),
}


def runs(reader, body, fields):
    try:
        return is_denied(reader(body, fields))
    except (ValueError, LookupError, OSError, EOFError, zlib.error, RecursionError, TypeError):
        return False


for line in sys.stdin:
    request = json.loads(line)
    content = base64.b64decode(request["body"])
    found = [name for name, reader in READERS.items() if runs(reader, content, request["fields"])]
    print(json.dumps(found), flush=True)
