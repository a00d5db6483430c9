# One image for the API, the workers and the listener for mail servers: `letterbox serve`,
# `letterbox worker` and `letterbox inbound`.
FROM python:3.11-slim AS packages
COPY requirements.lock /tmp/requirements.lock
RUN python -m venv /opt/letterbox \
 && /opt/letterbox/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock

# GraphiQL's browser files, so that the editor at /graphql needs no internet.
FROM node:22-slim AS graphiql
WORKDIR /graphiql
COPY graphql_schema/graphiql/package.json graphql_schema/graphiql/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && mkdir /assets \
 && cp --parents \
    node_modules/react/umd/react.production.min.js \
    node_modules/react-dom/umd/react-dom.production.min.js \
    node_modules/graphiql/graphiql.min.js \
    node_modules/graphiql/graphiql.min.css \
    node_modules/@graphiql/plugin-explorer/dist/index.umd.js \
    node_modules/@graphiql/plugin-explorer/dist/style.css \
    node_modules/graphql-ws/umd/graphql-ws.min.js \
    /assets

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
COPY --from=graphiql /assets graphql_schema/graphiql
COPY rest_compat rest_compat
COPY workers workers
RUN python -m compileall -q /opt/letterbox/lib /srv/letterbox
USER letterbox
EXPOSE 18080
# SIGTERM lets requests and mails in hand finish.
STOPSIGNAL SIGTERM
ENTRYPOINT ["letterbox"]
CMD ["serve", "--host", "0.0.0.0"]
