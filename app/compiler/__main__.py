"""A process that compiles templates: one line of JSON in, one out.

It may use so much memory, and so much of a processor for each template; then it dies, and with it
nothing but the template.
"""

from app.apart import serve
from app.compiler.wire import checked_line, source_of
from app.mail.templates.compiling import check

MEMORY = 1024**3
SECONDS = 2.0


if __name__ == "__main__":
    serve(
        lambda line: checked_line(check(source_of(line))),
        memory=MEMORY,
        seconds=lambda _: SECONDS,
    )
