#!/usr/bin/env bash
# A worker in bash, with curl and jq: takes jobs of two kinds from a node and runs one at a time.
#
#   PERDURE_URL=http://127.0.0.1:7400 bash worker.sh [QUEUE]
#
# A handler is a function `handle_KIND`, with `_` for `-`: it reads its input, JSON, from standard input, writes its
# result, JSON, to standard output, and what it writes to standard error is the output of the job. It fails by its exit
# code. SIGTERM ends the worker in order: what runs may end.
set -u

# ---- what this worker can do ----

kinds='["count-words", "count-slowly"]'

handle_count_words() {
  local count
  count=$(jq -r .text | wc -w)
  echo "$count words" >&2
  jq -n --argjson words "$count" '{words: $words}'
}

handle_count_slowly() {
  local input to step number
  input=$(cat)
  to=$(jq .to <<<"$input")
  step=$(jq '.step // 1' <<<"$input")
  for ((number = 1; number <= to; number++)); do
    sleep "$step"
    echo "$number" >&2
  done
  jq -n --argjson to "$to" '{counted: $to}'
}

# ---- calls ----

url=${PERDURE_URL:-http://127.0.0.1:7400}
queue=${1:-default}
room=$(mktemp -d)
# by this process alone: bash runs it in a child as well that is ended right behind its start
trap '[[ $BASHPID != "$$" ]] || rm -rf "$room"' EXIT

# Makes one call: a message on standard input, the answer on standard output. Fails where there is none, or a refusal.
# The token comes to curl through a pipe: arguments of a process are seen by everybody on the machine.
call() {
  curl -sS --fail-with-body --max-time "${2:-30}" -H 'content-type: application/json' \
    -H @<([[ -z ${PERDURE_TOKEN:-} ]] || printf 'authorization: Bearer %s' "$PERDURE_TOKEN") \
    --data-binary @- "$url/perdure.v1.$1" 2>>"$room/errors"
}

# The same again and again for a minute while the node is away. Only for calls that may be repeated: those with a request.
call_again() {
  local message answer try
  message=$(cat)
  for try in $(seq 1 60); do
    if answer=$(call "$1" <<<"$message"); then
      printf '%s\n' "$answer"
      return 0
    fi
    # a refusal is an answer, and stays one
    case $(jq -r '.code // empty' <<<"$answer" 2>/dev/null) in
      '' | unavailable | resource_exhausted) sleep 1 ;;
      *) say "$1 was refused: $answer"; return 1 ;;
    esac
  done
  return 1
}

say() { echo "worker: $*" >&2; }
request_id() { cat /proc/sys/kernel/random/uuid; }

# who this is; the instance differs at every start, so that a new process never takes over what an old one left
me=$(jq -n --arg host "$HOSTNAME" --argjson pid $$ --arg instance "$(request_id)" \
  '{worker: {name: "bash:\($host):\($pid)", host: $host, pid: $pid, instance: $instance}}')

# A message: what every call says of the worker, and the given fields.
message() { jq -c -n --argjson me "$me" "$@"; }

# ---- one attempt ----

# Renews the lease of $token for as long as the handler's process group $1 lives. Ends the handler when it is asked to, when
# the lease was lost, or when it could not be renewed for a whole term: somebody else may have the job then.
keep_lease() {
  local group=$1 answer renewed=$EPOCHREALTIME
  while sleep "$beat_s"; do
    local asked=$EPOCHREALTIME
    if answer=$(message --arg t "$token" '$me + {tokens: [$t]}' | call WorkerService/Heartbeat 5); then
      if jq -e '.lost | length > 0' <<<"$answer" >/dev/null; then
        touch "$room/lost"
      elif jq -e '.stops | length > 0' <<<"$answer" >/dev/null; then
        touch "$room/stopped"
      else
        renewed=$asked
        continue
      fi
    elif ((${EPOCHREALTIME/[.,]/} - ${renewed/[.,]/} < term_ms * 1000)); then
      continue
    else
      touch "$room/lost"
    fi
    kill -TERM -- "-$group" 2>/dev/null
    return
  done
}

# Sends what the handler has written to its standard error since the last time.
send_output() {
  local size
  size=$(stat -c %s "$room/output")
  ((size > sent)) || return 0
  tail -c "+$((sent + 1))" "$room/output" | head -c "$((size - sent))" >"$room/piece"
  message --arg t "$token" --arg r "$(request_id)" --rawfile text "$room/piece" \
    '$me + {request: $r, entries: [{token: $t, stream: "stderr", text: $text}]}' |
    call_again WorkerService/Log >/dev/null
  sent=$size
}

# Runs the attempt of a lease, and reports its end.
run() {
  local lease=$1 token kind term_ms beat_s sent=0 code report accepted
  token=$(jq -r .token <<<"$lease")
  kind=$(jq -r .kind <<<"$lease")
  term_ms=$(jq .heartbeatMs <<<"$lease")
  beat_s=$(jq -n --argjson term "$term_ms" '$term / 4000')
  rm -f "$room"/{lost,stopped}
  : >"$room/output"

  # in a process group of its own, so that it can be ended with everything that it started
  set -m
  "handle_${kind//-/_}" <<<"$(jq -c .input <<<"$lease")" >"$room/result" 2>"$room/output" &
  local handler=$!
  set +m
  keep_lease "$handler" &
  local keeper=$!
  while kill -0 "$handler" 2>/dev/null; do
    sleep 0.2
    send_output
  done
  wait "$handler"
  code=$?
  kill "$keeper" 2>/dev/null
  wait "$keeper" 2>/dev/null

  if [[ -e $room/lost ]]; then
    say "job $(jq .job <<<"$lease"): the lease was lost"
    return
  fi
  # output first: a report ends the right to write
  send_output
  if [[ -e $room/stopped ]]; then
    report='{"outcome": "cancelled", "reason": "its handler was ended as asked"}'
  elif ((code != 0)); then
    report=$(jq -n --arg m "the handler ended with exit code $code" \
      '{outcome: "failed", error: {code: "HANDLER_FAILED", message: $m}}')
  else
    report=$(jq -n --slurpfile result "$room/result" '{outcome: "succeeded", result: $result[0]}')
  fi
  accepted=$(message --arg t "$token" --arg r "$(request_id)" --argjson report "$report" \
    '$me + {request: $r, reports: [$report + {token: $t}]}' |
    call_again WorkerService/Report | jq '.accepted[0]')
  [[ $accepted == true ]] || say "job $(jq .job <<<"$lease"): nothing was recorded"
}

# ---- the worker ----

is_ending=
trap 'is_ending=yes' TERM INT
say "$(jq -r .worker.name <<<"$me") works on $queue"
while [[ -z $is_ending ]]; do
  # in the background, for bash heeds a signal only between its commands, or in a wait
  message --arg q "$queue" --argjson kinds "$kinds" '$me + {queues: [$q], kinds: $kinds, slots: 1, waitMs: 20000}' |
    call WorkerService/Poll 30 >"$room/poll" &
  wait $!
  polled=$?
  if [[ -n $is_ending ]]; then
    # what is granted from now on to the poll that was left goes back when the session closes, or runs out
    kill %% 2>/dev/null
  elif ((polled != 0)); then
    sleep 0.5
    # a lease may have been granted into the broken connection: we say that we hold none, and it goes back
    message '$me + {held: []}' | call_again WorkerService/Open >/dev/null
  else
    lease=$(jq -c '.leases[0] // empty' "$room/poll")
    [[ -z $lease ]] || run "$lease"
  fi
done
message '$me' | call WorkerService/Close 5 >/dev/null
