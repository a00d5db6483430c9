"""Operations that bring files along, by the GraphQL multipart request specification.

https://github.com/jaydenseric/graphql-multipart-request-spec: a form with the parts `operations`
(the operation as JSON, null where a file belongs), `map` (JSON: the name of each file's part, and
the places it belongs to) and the files.

Other services ask for a header against forged requests of browsers here, because a form of another
site is sent with the cookies of its visitor. No cookie counts here: a request is refused unless it
brings a bearer token in Authorization, which no form can add, and no script of another site without
a preflight that is granted only to the origins of the settings.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.errors import InvalidInputError
from graphql_schema.json_text import read_json

MEDIA_TYPE = "multipart/form-data"
# A batch may bring one for each of its mails.
FILES_LIMIT = 500
PLACES_LIMIT = 1000
_DEPTH = 20
_INDEX = re.compile(r"[0-9]{1,5}")


@asynccontextmanager
async def operation(request: Request, *, limit: int) -> AsyncIterator[Any]:
    """Read the operation, files in their places; they are on disk until the block ends.

    What is larger than a megabyte is never whole in memory. `limit` is the most octets that
    `operations` and `map` may have. Raises InvalidInputError.
    """
    try:
        form = await request.form(max_files=FILES_LIMIT, max_fields=2, max_part_size=limit)
    except HTTPException as error:
        reason = f"The request is not valid {MEDIA_TYPE}: {error.detail}"
        raise InvalidInputError(reason) from error
    try:
        yield _filled(form)
    finally:
        await form.close()


def _filled(form: FormData) -> Any:
    files = _files(form)
    operations, places = _json(form, "operations"), _map(form)
    if missing := places.keys() - files.keys():
        raise InvalidInputError(f"map: there is no file {_shown(min(missing))}")
    if spare := files.keys() - places.keys():
        raise InvalidInputError(f"map: the file {_shown(min(spare))} has no place in it")
    for name, paths in places.items():
        for path in paths:
            _place(operations, path, files[name])
    return operations


def _files(form: FormData) -> Mapping[str, UploadFile]:
    files: dict[str, UploadFile] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name in files:
                raise InvalidInputError(f"There are two files {_shown(name)}.")
            files[name] = value
    return files


def _json(form: FormData, name: str) -> Any:
    text = form.get(name)
    if not isinstance(text, str) or len(form.getlist(name)) > 1:
        raise InvalidInputError(f"{name}: must be a part of the form, once, and no file")
    return read_json(text.encode(), name)


def _map(form: FormData) -> Mapping[str, list[str]]:
    places = _json(form, "map")
    if not isinstance(places, dict) or not all(map(_are_paths, places.values())):
        raise InvalidInputError(
            'map: must be an object of lists of paths, e.g. {"0": ["variables.file"]}'
        )
    if sum(map(len, places.values())) > PLACES_LIMIT:
        raise InvalidInputError(f"map: must have at most {PLACES_LIMIT} paths")
    return places


def _are_paths(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(path, str) for path in value)


def _place(operations: Any, path: str, file: UploadFile) -> None:
    """Put the file where `path` leads, in place of a null."""
    first, *steps = path.split(".")
    if first != "variables" or not 0 < len(steps) <= _DEPTH:
        raise InvalidInputError(f"map: {_shown(path)} is no path into the variables")
    holder, key = operations, first
    for step in steps:
        holder, key = _at(holder, key, path), step
    if _at(holder, key, path) is not None:
        raise InvalidInputError(f"map: there must be null at {_shown(path)}")
    holder[int(key) if isinstance(holder, list) else key] = file


def _at(holder: Any, key: str, path: str) -> Any:
    if isinstance(holder, dict) and key in holder:
        return holder[key]
    if isinstance(holder, list) and _INDEX.fullmatch(key) and int(key) < len(holder):
        return holder[int(key)]
    raise InvalidInputError(f"map: {_shown(path)} leads nowhere")


def _shown(text: str) -> str:
    return repr(text[:100].encode(errors="replace").decode())
