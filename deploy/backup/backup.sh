#!/bin/sh
# Backs the platform up while it runs: one PostgreSQL cluster with all databases, as of one instant, and the object store.
#
#   YUCHONG_BACKUP_URL=postgres://… backup.sh OBJECTS TARGET
#
# The role of the address has REPLICATION. OBJECTS is the folder `storage.folder` of documents; "-" where objects are in a
# bucket that keeps versions. TARGET must not exist.
set -eu
objects=$1 target=$2
if [ -e "$target" ]; then
    echo "$target exists; a backup is never written over another one, name a new folder" >&2
    exit 1
fi
mkdir -p "$target"
pg_basebackup --dbname="$YUCHONG_BACKUP_URL" --pgdata="$target/postgres" --wal-method=stream --checkpoint=fast \
    --manifest-checksums=SHA256
# After the databases: an object is written before its row and never changed, so every row finds its object in the copy.
mkdir "$target/objects"
[ "$objects" = - ] || cp -a "$objects/." "$target/objects/"
# Last, so that half a backup is not taken for one.
date -u +%Y-%m-%dT%H:%M:%SZ > "$target/completed"
