#!/usr/bin/env bash
# A producer in bash, with curl and jq: enqueues a job for each text, waits for all of them, and prints what came out.
#
#   PERDURE_URL=http://127.0.0.1:7400 bash producer.sh 'two words' 'and three words'
#
# curl itself repeats what was not answered: an enqueue with a request may be sent again, and so may a wait.
set -euo pipefail

url=${PERDURE_URL:-http://127.0.0.1:7400}

call() {
  curl -sS --fail-with-body --retry 30 --retry-delay 1 --retry-all-errors -H 'content-type: application/json' \
    -H @<([[ -z ${PERDURE_TOKEN:-} ]] || printf 'authorization: Bearer %s' "$PERDURE_TOKEN") \
    --data-binary @- "$url/perdure.v1.$1"
}

# the same text is the same job: its key is a digest of it
jobs=$(for text in "$@"; do
  jq -n --arg text "$text" --arg key "$(printf %s "$text" | sha256sum | cut -c 1-64)" \
    '{kind: "count-words", input: {text: $text}, key: $key}'
done | jq -s .)
added=$(jq -n --argjson jobs "$jobs" --arg request "$(cat /proc/sys/kernel/random/uuid)" \
  '{jobs: $jobs, request: $request}' | call JobService/Enqueue)

for id in $(jq '.jobs[].id' <<<"$added"); do
  jq -n --argjson id "$id" '{id: $id}' | call JobService/Wait |
    jq -r '[.id, .state, (.result.words // .error.message)] | @tsv'
done
