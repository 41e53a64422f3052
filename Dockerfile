# The image of the service, for a PostgreSQL of your own: docs/operations.md tells how to use it.

# Any image with Node.js 24; the first stage also needs its npm and a shell.
ARG BASE=docker.io/library/node:24-slim

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without the Node.js and the PostgreSQL that npm can install.
RUN npm ci --omit=dev --omit=optional
COPY . .
RUN npm run build

FROM ${BASE}
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app ./
# Owns nothing, so the service can write nothing.
USER 10001:10001
EXPOSE 4000
# Whether the process answers: not whether its database does, for which a restart would not help.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "src/cli/health.ts"]
# Not by npm, which would not pass on the signal to stop.
CMD ["node", "--require", "./src/prepare-node.cjs", "src/main.ts"]
