# docker build -t portolan .
# The base needs Node.js 20.19 or newer with npm; another one: --build-arg BASE=...
ARG BASE=node:20-bookworm-slim

FROM ${BASE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No package of ours needs its install script; what nobody runs cannot do harm.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY hack/tsconfig.build.json hack/
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund
RUN ["node", "-e", "require('node:fs').mkdirSync('state')"]

FROM ${BASE}
WORKDIR /app
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE ./
# Owner id, control socket, drains: all that is ever written.
COPY --from=build --chown=1000:1000 /build/state /var/lib/portolan
# Where it shares files and sockets with an HAProxy in another container.
COPY --from=build --chown=1000:1000 /build/state /var/lib/portolan-proxy
VOLUME /var/lib/portolan
ENV NODE_ENV=production PORTOLAN_STATE_DIR=/var/lib/portolan
USER 1000:1000
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["node", "/app/dist/main.js", "health", "--live"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["run"]
