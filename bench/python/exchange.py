"""Messages between two processes, as multiprocessing has them.

exchange.py SPEC (as JSON); a line on stdin is an amount of messages, the line on stdout then the seconds they took.
"""

import json
import multiprocessing
import random
import signal
import string
import sys
import time
from multiprocessing.connection import wait

MOST_MESSAGES = 64
MOST_BYTES = 32 * 1024 * 1024


def make_messages(shape, size):
    amount = max(2, min(MOST_MESSAGES, MOST_BYTES // max(size, 1)))
    if shape == "tiny":
        return [{"id": i, "name": f"job-{i}", "ok": i % 2 == 0, "vals": [i, i + 1, i + 2]} for i in range(amount)]
    block = "".join(random.choices(string.ascii_letters, k=min(size, 65536)))
    texts = ((block[i:] + block[:i]) * (size // len(block) + 1) for i in range(amount))
    if shape == "text":
        return [{"id": i, "body": text[:size]} for i, text in enumerate(texts)]
    return [text[:size].encode("latin-1") for text in texts]


def send_of(connection, shape):
    return connection.send_bytes if shape == "bytes" else connection.send


def receive_of(connection, shape):
    return connection.recv_bytes if shape == "bytes" else connection.recv


def partner(connections, spec):
    receives = {connection: receive_of(connection, spec["shape"]) for connection in connections}
    left = dict.fromkeys(connections, 0)
    try:
        if len(connections) == 1 and spec["way"] != "out":
            send, receive = send_of(connections[0], spec["shape"]), receives[connections[0]]
            while True:
                send(receive())
        while True:
            ready = connections if len(connections) == 1 else wait(connections)
            for connection in ready:
                message = receives[connection]()
                if left[connection] == 0:
                    left[connection] = int(message)
                else:
                    left[connection] -= 1
                    if left[connection] == 0:
                        connection.send_bytes(b"done")
    except EOFError:
        pass


def lap(connections, spec, messages, amount):
    sends = [send_of(connection, spec["shape"]) for connection in connections]
    receives = [receive_of(connection, spec["shape"]) for connection in connections]
    if spec["way"] == "out":
        for send in sends:
            send(str(amount).encode() if spec["shape"] == "bytes" else amount)
        for i in range(amount):
            for send in sends:
                send(messages[i % len(messages)])
        for connection in connections:
            connection.recv_bytes()
    else:
        for i in range(amount):
            sends[0](messages[i % len(messages)])
            receives[0]()


def main():
    spec = json.loads(sys.argv[1])
    pairs = [multiprocessing.Pipe() for _ in range(spec["channels"])]
    messages = make_messages(spec["shape"], spec["size"])
    process = multiprocessing.get_context("fork").Process(
        target=child, args=(pairs, spec), daemon=True
    )
    process.start()
    for _, theirs in pairs:
        theirs.close()
    ours = [own for own, _ in pairs]
    for line in sys.stdin:
        share = -(-int(line) // len(ours))
        start = time.perf_counter()
        lap(ours, spec, messages, share)
        print(time.perf_counter() - start, flush=True)


def child(pairs, spec):
    for own, _ in pairs:
        own.close()
    partner([theirs for _, theirs in pairs], spec)


# Ctrl-C ends the whole run, and there is nothing to tell about it.
signal.signal(signal.SIGINT, signal.SIG_DFL)
main()
