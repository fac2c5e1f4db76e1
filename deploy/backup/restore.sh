#!/bin/sh
# Puts a backup of backup.sh into empty places. What has to follow stands in README.md, "Restore".
#
#   restore.sh BACKUP DATA OBJECTS
#
# DATA is the data folder of a PostgreSQL that does not run; it gets the owner of the folder around it. OBJECTS is the folder
# `storage.folder` of documents; "-" where objects are in a bucket, which has kept them.
set -eu
backup=$1 data=$2 objects=$3
if [ ! -f "$backup/completed" ]; then
    echo "$backup is not complete: it has no file \`completed\`; take another backup" >&2
    exit 1
fi
for place in "$data" "$objects"; do
    if [ "$place" != - ] && [ -n "$(ls -A "$place" 2>/dev/null)" ]; then
        echo "$place is not empty; nothing was changed: move what is there away, or name another folder" >&2
        exit 1
    fi
done
pg_verifybackup --quiet "$backup/postgres"
if [ "$objects" = - ] && [ -n "$(ls -A "$backup/objects")" ]; then
    echo "$backup holds objects; nothing was changed: name the folder that they go to" >&2
    exit 1
fi
mkdir -p "$data"
cp -a "$backup/postgres/." "$data/"
chmod 700 "$data"
chown -R --reference="$(dirname "$data")" "$data"
if [ "$objects" != - ]; then
    mkdir -p "$objects"
    cp -a "$backup/objects/." "$objects/"
fi
