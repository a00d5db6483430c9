# One image for the API and the workers: `letterbox serve` and `letterbox worker`.
FROM python:3.11-slim AS packages
COPY requirements.lock /tmp/requirements.lock
RUN python -m venv /opt/letterbox \
 && /opt/letterbox/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock

FROM python:3.11-slim
ENV PATH=/opt/letterbox/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/srv/letterbox
RUN useradd --system --uid 10001 --no-create-home letterbox \
 && printf '#!/bin/sh\nexec python -m app.cli "$@"\n' > /usr/local/bin/letterbox \
 && chmod 755 /usr/local/bin/letterbox
COPY --from=packages /opt/letterbox /opt/letterbox
WORKDIR /srv/letterbox
COPY app app
COPY graphql_schema graphql_schema
COPY rest_compat rest_compat
COPY workers workers
RUN python -m compileall -q /opt/letterbox/lib /srv/letterbox
USER letterbox
EXPOSE 18080
# SIGTERM lets requests and mails in hand finish.
STOPSIGNAL SIGTERM
ENTRYPOINT ["letterbox"]
CMD ["serve", "--host", "0.0.0.0"]
