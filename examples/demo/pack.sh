#!/bin/sh
# One shell job of the demo: the checksums of some files, and one archive of them.
#
# Usage: pack.sh OUT FILE...     writes OUT.sha256 and OUT.gz (a gzip member per file, in their order)
#
# An attempt that was killed half-way leaves half a file; the next one begins both files anew.
set -eu
out=$1
shift
# one short line each, appended: the order of the lines is the order of events
printf 'begin %s %s\n' "$PERDURE_JOB" "$PERDURE_ATTEMPT" >>"$LEDGER"
command -v sha256sum >/dev/null || sha256sum() { shasum -a 256 "$@"; }
sha256sum -- "$@" >"$out.sha256"
gzip -1 -n -c -- "$@" >"$out.gz"
printf 'end %s %s\n' "$PERDURE_JOB" "$PERDURE_ATTEMPT" >>"$LEDGER"
