"""A child in Python that talks to a Node.js program over an aiopipe channel.

A frame is a 4-byte big-endian length, then as many bytes; here they are JSON:
Channel.from(end, { encoder: 'json', decoder: 'json' }) on the other side.

The number of the descriptor is the first argument. Needs nothing but the standard library.
"""
import json
import socket
import struct
import sys


def read_exactly(stream, count):
    data = stream.read(count)
    if data and len(data) < count:
        raise EOFError("the stream ended inside a frame")
    return data


def receive(stream):
    """The next message, or None if the other side has closed."""
    header = read_exactly(stream, 4)
    if not header:
        return None
    (length,) = struct.unpack(">I", header)
    return json.loads(read_exactly(stream, length))


def send(stream, message):
    payload = json.dumps(message).encode()
    stream.write(struct.pack(">I", len(payload)) + payload)
    stream.flush()


def main():
    connection = socket.socket(fileno=int(sys.argv[1]))
    with connection, connection.makefile("rwb") as stream:
        while (message := receive(stream)) is not None:
            send(stream, {"id": message["id"], "sum": sum(message["numbers"])})


main()
