#!/bin/sh
# A small farm on the command line: submit commands, run them, look at them. Everything lies in a folder that is
# gone at the end; without PERDURE_URL it would be your own store.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# in this repository the command is run from its source (by Node 24); once installed, it is on the PATH
command -v perdure >/dev/null || perdure() { node "$here/../../src/cli/main.ts" "$@"; }
show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

farm=$(mktemp -d)
trap 'rm -rf "$farm"' EXIT
cd "$farm"
export PERDURE_URL="sqlite:$farm/farm.db"
for number in 1 2 3 4 5 6; do seq "$number" 1000 >"$number.txt"; done

# like xargs, but every call is a durable job: three at once, here and now
printf '\n$ ls *.txt | perdure xargs -n 1 -P 3 gzip\n'
ls ./*.txt | perdure xargs -n 1 -P 3 gzip
ls

# submit prints the id; the jobs wait on disk until there is a worker
sums=$(perdure submit --name sums --script 'cat *.gz | sha256sum')
report=$(perdure submit --after "$sums" -- echo "job $sums is done")
show perdure status

show perdure worker --until-empty
show perdure wait "$sums" "$report"
show perdure output "$sums" "$report"
show perdure status --state succeeded --meta name=sums

# a job says what it needs of its worker; one that has it takes it
tagged=$(perdure submit --label 'gpu*' --cpus 1 --platform "$(uname -s)/*" -- echo "job with a gpu")
show perdure status "$tagged"
show perdure worker --until-empty --label gpu=a100
show perdure output "$tagged"
