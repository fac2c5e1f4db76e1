#!/bin/sh
# Backs the platform up while it runs: one PostgreSQL cluster with all databases, as of one instant, and the object store.
#
#   YUCHONG_BACKUP_URL=postgres://… backup.sh OBJECTS TARGET
#
# The role of the address has REPLICATION. OBJECTS is the folder `storage.folder` of documents; "-" where objects are in a
# bucket that keeps versions. TARGET must not exist.
set -eu
# What cp says is looked at below.
LC_ALL=C
export LC_ALL
objects=$1 target=$2
if [ -e "$target" ]; then
    echo "$target exists; a backup is never written over another one, name a new folder" >&2
    exit 1
fi
mkdir -p "$target"
target=$(realpath "$target")
pg_basebackup --dbname="$YUCHONG_BACKUP_URL" --pgdata="$target/postgres" --wal-method=stream --checkpoint=fast \
    --manifest-checksums=SHA256
mkdir "$target/objects"

# Ends the backup unless find or cp complained of nothing else than that files moved while it looked.
only_moved() {
    if grep -v -e 'No such file or directory' -e 'replaced while being copied' "$target/said" >&2; then
        echo "files could not be copied; the backup is not complete" >&2
        exit 1
    fi
}

# Files under a folder, sorted, without those that are being written: they get their name when they are whole.
files() {
    (cd "$1" && shift && find "$@" -type f ! -name '*#*' -print0) > "$target/found" 2> "$target/said" || only_moved
    sort -z "$target/found"
}

# Copies the files of `names` from OBJECTS. Without links: a number of a file that is taken again while cp runs would make a link to
# another file's copy.
copy() {
    (cd "$objects" && xargs -0 -r cp -a --no-preserve=links --parents --target-directory="$target/objects") \
        < "$target/names" 2> "$target/said"
}

if [ "$objects" != - ]; then
    # After the databases: content is written before its row and never changed or removed, so every row finds its content here.
    # The same content put once more is another file with the same bytes, which cp passes over when it happens under its hands.
    if [ -d "$objects/sha256" ]; then
        mkdir "$target/objects/sha256"
        files "$objects" sha256 > "$target/names"
        pass=1
        until copy; do
            only_moved
            if [ "$pass" -ge 10 ]; then
                cat "$target/said" >&2
                echo "content moved under ten looks at it; the backup is not complete" >&2
                exit 1
            fi
            pass=$((pass + 1))
            files "$objects" sha256 > "$target/all"
            files "$target/objects" sha256 > "$target/there"
            comm -z -23 "$target/all" "$target/there" > "$target/names"
        done
    fi
    # Uploads under way and pictures of pages come and go meanwhile. What vanished is under sha256 by now, or was given up; its row
    # says that it is not settled, and the sweep of documents settles it.
    files "$objects" . -path ./sha256 -prune -o > "$target/names"
    copy || only_moved
    rm -f "$target/names" "$target/said" "$target/found" "$target/all" "$target/there"
fi
# Last, so that half a backup is not taken for one.
date -u +%Y-%m-%dT%H:%M:%SZ > "$target/completed"
