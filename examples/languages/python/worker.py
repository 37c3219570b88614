#!/usr/bin/env python3
"""A worker: takes jobs of two kinds from a node and runs them, some at once.

    PERDURE_URL=http://127.0.0.1:7400 python3 worker.py [--queue default] [--slots 4]

What a worker owes the node, and where it stands here:
  - it renews the leases of what it runs (`beat`), and stops what it is told to stop or has lost;
  - it reports every end once, under a request id that makes the report safe to repeat (`Worker.run`);
  - after a poll that broke it says what it holds, so that leases which never arrived go back at once (`Worker.poll`);
  - SIGTERM ends it in order: what runs may end, then the session is closed.
"""

import argparse
import os
import signal
import socket
import sys
import threading
import time
import traceback
import uuid

from perdure import PATIENCE_S, Away, Perdure, PerdureError, request_id

# ---- what this worker can do: kind -> function(context, input) -> result ----


def count_words(context, value):
    """Counts the words of a text."""
    words = value["text"].split()
    context.log(f"{len(words)} words\n")
    return {"words": len(words)}


def count_slowly(context, value):
    """Counts to a number, one a step; a model of work that takes long and can stop in between."""
    for number in range(1, value["to"] + 1):
        if context.stop.wait(value.get("step", 1)):
            raise Stopped()
        context.log(f"{number}\n")
        context.progress(number / value["to"])
    return {"counted": value["to"]}


HANDLERS = {"count-words": count_words, "count-slowly": count_slowly}

# ---- the worker ----

# a poll waits for work this long; shorter than what proxies give a silent connection
POLL_MS = 20_000
# leases are looked after, and output is sent, this often
TICK_S = 0.3


def now():
    """Seconds by a clock that never jumps, and goes on while the machine sleeps where there is such a one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Stopped(Exception):
    """A handler stopped because it was asked to."""


class Context:
    """One attempt, as its handler sees it."""

    def __init__(self, worker, lease):
        self.worker = worker
        self.job = lease["job"]
        self.attempt = lease["attempt"]
        self.token = lease["token"]
        # set when the attempt has to end: look at it between steps
        self.stop = threading.Event()
        self.is_lost = False
        self.term_s = lease["heartbeatMs"] / 1000
        self.renewed = now()
        self._output = []
        # what is on its way: it goes again under the same request id until it has arrived
        self._parcel = None
        self._sending = threading.Lock()

    def log(self, text):
        """Writes output; it is stored with the job."""
        self._output.append({"token": self.token, "stream": "stdout", "text": text})

    def progress(self, fraction):
        """Tells how far the work is, from 0 to 1. One that does not arrive is no harm: the next says more."""
        try:
            message = {"worker": self.worker.me, "token": self.token, "fraction": fraction}
            self.worker.node.call("WorkerService/Progress", message, patience=0)
        except (Away, PerdureError):
            pass

    def send_output(self, patience=0):
        """Sends what was logged, in order: one call at a time."""
        with self._sending:
            while self._parcel or self._output:
                if self._parcel is None:
                    entries, self._output = self._output, []
                    self._parcel = {"worker": self.worker.me, "entries": entries, "request": request_id()}
                try:
                    self.worker.node.call("WorkerService/Log", self._parcel, patience=patience)
                    self._parcel = None
                except PerdureError:
                    # what the node refuses once it refuses again
                    self._parcel = None
                    raise

    def lose(self):
        """Somebody else may have the job from now on: nothing of this attempt counts any more."""
        self.is_lost = True
        self.stop.set()


class Worker:
    def __init__(self, node, queue, slots):
        self.node = node
        self.queue = queue
        # the instance differs at every start, so that a new process never takes over what an old one left
        host = socket.gethostname()
        self.me = {"name": f"python:{host}:{os.getpid()}", "host": host, "pid": os.getpid(), "instance": str(uuid.uuid4())}
        self.slots = slots
        self.running = {}
        # true from a poll that failed until the node knows what we hold
        self.is_unsure = False
        self.changed = threading.Condition()
        self.ending = threading.Event()

    def work(self):
        """Works until `ending` is set, and what runs then has ended."""
        threading.Thread(target=self.tick, daemon=True).start()
        while not self.ending.is_set():
            with self.changed:
                self.changed.wait_for(lambda: self.free() > 0 or self.ending.is_set(), timeout=1)
            if self.free() > 0 and not self.ending.is_set():
                for lease in self.poll():
                    context = Context(self, lease)
                    self.running[context.token] = context
                    threading.Thread(target=self.run, args=(context, lease)).start()
        with self.changed:
            self.changed.wait_for(lambda: not self.running)
        self.close()

    def end(self):
        """Takes no more work. A session that closes ends its polls; what still runs opens it again by its next call."""
        self.ending.set()
        threading.Thread(target=self.close, daemon=True).start()

    def close(self):
        try:
            self.node.call("WorkerService/Close", {"worker": self.me}, patience=2)
        except (Away, PerdureError) as error:
            say(f"the session could not be closed: {error}")

    def free(self):
        return self.slots - len(self.running)

    def poll(self):
        """Asks for as much work as can start at once."""
        message = {
            "worker": self.me,
            "queues": [self.queue],
            "kinds": list(HANDLERS),
            "slots": self.free(),
            "waitMs": POLL_MS,
        }
        try:
            if self.is_unsure:
                # leases may have been granted into a connection that broke: the node gives back what we do not hold
                self.node.call("WorkerService/Open", {"worker": self.me, "held": list(self.running)}, patience=0)
                self.is_unsure = False
            return self.node.call("WorkerService/Poll", message, timeout=POLL_MS / 1000 + 10, patience=0)["leases"]
        except (Away, PerdureError) as error:
            say(f"the poll failed: {error}")
            self.is_unsure = True
            time.sleep(0.5)
            return []

    def run(self, context, lease):
        """Runs one attempt and reports its end."""
        report = {"token": context.token}
        try:
            result = HANDLERS[lease["kind"]](context, lease.get("input"))
            report.update(outcome="succeeded", result=result)
        except Stopped:
            report.update(outcome="cancelled", reason="its handler stopped as it was asked to")
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            stack = traceback.format_exc()
            report.update(outcome="failed", error={"code": "HANDLER_FAILED", "message": message, "stack": stack})
        try:
            if not context.is_lost:
                self.report(context, report)
        except (Away, PerdureError) as error:
            # the lease runs out by itself, and the job is tried again
            say(f"the end of job {context.job} could not be reported: {error}")
        finally:
            with self.changed:
                del self.running[context.token]
                self.changed.notify_all()

    def report(self, context, report):
        # output first: a report ends the right to write
        context.send_output(PATIENCE_S)
        message = {"worker": self.me, "reports": [report], "request": request_id()}
        [accepted] = self.node.call("WorkerService/Report", message)["accepted"]
        if not accepted:
            say(f"job {context.job}, attempt {context.attempt}: the lease was lost, nothing was recorded")

    def tick(self):
        """Looks after all leases, in a thread of its own, for as long as the process lives."""
        last_beat = now()
        while True:
            time.sleep(TICK_S)
            contexts = list(self.running.values())
            for context in contexts:
                if now() - context.renewed > context.term_s:
                    context.lose()
            shortest = min((context.term_s for context in contexts), default=0)
            try:
                if contexts and now() - last_beat >= shortest / 4:
                    last_beat = now()
                    self.beat(contexts)
                for context in contexts:
                    if not context.is_lost:
                        context.send_output()
            except (Away, PerdureError) as error:
                say(f"the node is away: {error}")

    def beat(self, contexts):
        """Renews leases. The moment that counts is the one before the call: the node cannot have renewed them earlier."""
        asked = now()
        message = {"worker": self.me, "tokens": [context.token for context in contexts]}
        answer = self.node.call("WorkerService/Heartbeat", message, timeout=5, patience=0)
        stops = {stop["token"] for stop in answer["stops"]}
        for context in contexts:
            if context.token in answer["lost"]:
                # a beat may cross the report of an attempt, which ends its lease: that is no loss
                context.lose()
                continue
            context.renewed = asked
            if context.token in stops:
                context.stop.set()


def say(text):
    print(f"worker: {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queue", default="default")
    parser.add_argument("--slots", type=int, default=4)
    options = parser.parse_args()
    worker = Worker(Perdure(), options.queue, options.slots)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: worker.end())
    say(f"{worker.me['name']} works on {options.queue}")
    worker.work()


if __name__ == "__main__":
    main()
