#!/usr/bin/env bash
# Images to build and start compose.yaml with where no registry can be reached: localhost/base, a Debian with Python in
# place of python:3.11-slim, and localhost/postgres and localhost/redis from Debian's packages in place of the official
# ones. Needs root, debootstrap and buildah. For trying things out: production takes the official images.
#
#     CERTIFICATES=/path/to/authorities.crt scripts/local_images.sh
#
# CERTIFICATES, if set, is a bundle the images are to trust: for networks whose proxy signs what it forwards.
set -euo pipefail

suite=${DEBIAN_SUITE:-bookworm}
work=$(mktemp -d)
containers=()
finish() {
    for container in "${containers[@]}"; do buildah rm "$container" > /dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT

if [ -z "${ROOTFS:-}" ]; then  # ROOTFS: one that was made before
    ROOTFS=$work/rootfs
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$suite" "$ROOTFS"
fi

base=$(buildah from scratch)
containers+=("$base")
buildah add --quiet "$base" "$ROOTFS" / > /dev/null
if [ -n "${CERTIFICATES:-}" ]; then
    buildah copy --quiet "$base" "$CERTIFICATES" /etc/ssl/certs/ca-certificates.crt > /dev/null
    buildah config --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
        --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt "$base"
fi
buildah config --env LANG=C.UTF-8 --cmd python3 "$base"
buildah commit --quiet --format docker "$base" localhost/base

install() {  # install IMAGE-CONTAINER PACKAGE
    buildah run --network host "$1" -- sh -c "apt-get update -q && apt-get install -y -q --no-install-recommends $2 \
        && apt-get clean && rm -rf /var/lib/apt/lists/*"
}

redis=$(buildah from localhost/base)
containers+=("$redis")
install "$redis" redis-server
buildah commit --quiet --format docker "$redis" localhost/redis

# As much of the official image's behaviour as compose.yaml asks for: the first start makes the role and its database.
postgres=$(buildah from localhost/base)
containers+=("$postgres")
install "$postgres" postgresql
cat > "$work/entrypoint" <<'INSIDE'
#!/bin/sh
set -eu
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
    umask 077
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    initdb -D "$data" -U "$POSTGRES_USER" --pwfile /tmp/password --auth-host scram-sha-256 --encoding UTF8 --locale C
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
    echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$data" postgres
fi
exec postgres -D "$data" -c listen_addresses='*'
INSIDE
buildah copy --quiet --chmod 0755 "$postgres" "$work/entrypoint" /usr/local/bin/entrypoint > /dev/null
buildah run "$postgres" -- install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data
bin=$(buildah run "$postgres" -- sh -c 'echo /usr/lib/postgresql/*/bin')
buildah config --user postgres --volume /var/lib/postgresql/data --port 5432 --cmd '' \
    --env "PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    --entrypoint '["/usr/local/bin/entrypoint"]' "$postgres"
buildah commit --quiet --format docker "$postgres" localhost/postgres
