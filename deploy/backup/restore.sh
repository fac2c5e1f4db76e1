#!/bin/sh
# Puts a backup of backup.sh into empty places. What has to follow stands in README.md, "Restore".
#
#   restore.sh BACKUP DATA OBJECTS
#
# DATA is the data folder of a PostgreSQL that does not run; it gets the owner of the folder around it.
set -eu
backup=$1 data=$2 objects=$3
if [ ! -f "$backup/completed" ]; then
    echo "$backup is not complete: it has no file \`completed\`; take another backup" >&2
    exit 1
fi
for place in "$data" "$objects"; do
    if [ -n "$(ls -A "$place" 2>/dev/null)" ]; then
        echo "$place is not empty; nothing was changed: move what is there away, or name another folder" >&2
        exit 1
    fi
done
pg_verifybackup --quiet "$backup/postgres"
mkdir -p "$data" "$objects"
cp -a "$backup/postgres/." "$data/"
chmod 700 "$data"
chown -R --reference="$(dirname "$data")" "$data"
cp -a "$backup/objects/." "$objects/"
