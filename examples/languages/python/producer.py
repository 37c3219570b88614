#!/usr/bin/env python3
"""A producer: enqueues a job for each text, waits for all of them, and prints what came out.

    PERDURE_URL=http://127.0.0.1:7400 python3 producer.py 'two words' 'and three words'

It may be interrupted, and the node may be killed, at any moment: the same call again finds the same jobs by their keys.
"""

import hashlib
import sys

from perdure import Perdure, request_id


def main():
    texts = sys.argv[1:]
    node = Perdure()
    jobs = [{"kind": "count-words", "input": {"text": text}, "key": key_of(text)} for text in texts]
    # one call, all or nothing; the request makes it safe to send again when its answer is lost
    added = node.call("JobService/Enqueue", {"jobs": jobs, "request": request_id()})["jobs"]
    for text, job in zip(texts, added):
        end = node.call("JobService/Wait", {"id": job["id"]}, timeout=600)
        if end["state"] == "succeeded":
            print(f"{job['id']}\t{end['result']['words']}\t{text}")
        else:
            print(f"{job['id']}\t{end['state']}: {end['error']['message']}\t{text}", file=sys.stderr)
        for entry in node.stream("JobService/Logs", {"id": job["id"]}):
            print(f"  {entry['text']}", end="")


def key_of(text):
    """The same text is the same job."""
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
