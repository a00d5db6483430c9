"""Sources and what came of them, as lines of JSON between this process and a compiling one."""

import json
from dataclasses import asdict

from app.mail.templates.compiling import Checked, Compiled
from app.mail.templates.sources import Format, Source, TemplateFault


def source_line(source: Source) -> bytes:
    return json.dumps({**asdict(source), "partials": dict(source.partials)}).encode() + b"\n"


def source_of(line: bytes) -> Source:
    fields = json.loads(line)
    return Source(**{**fields, "format": Format(fields["format"])})


def checked_line(checked: Checked) -> bytes:
    return json.dumps(asdict(checked)).encode() + b"\n"


def checked_of(line: bytes) -> Checked:
    fields = json.loads(line)
    compiled = fields["compiled"]
    if compiled is not None:
        names = {name: tuple(compiled[name]) for name in ("required", "optional")}
        lines = tuple((path, line) for path, line in compiled["lines"])
        compiled = Compiled(**{**compiled, **names, "lines": lines})
    faults, warnings = (
        [TemplateFault(**fault) for fault in fields[name]] for name in ("faults", "warnings")
    )
    return Checked(faults, warnings, compiled)
