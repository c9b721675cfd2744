"""A client in Python of a hub that listens with { encoder: 'json', decoder: 'json' }.
python3 client.py PATH '{"id": 1}' '{"id": 2}' sends each message, and prints each answer.
A frame is a 4-byte big-endian length, then as many bytes of JSON.
"""
import json
import socket
import struct
import sys


def send(stream, message):
    payload = json.dumps(message).encode()
    stream.write(struct.pack(">I", len(payload)) + payload)
    stream.flush()


def receive(stream):
    header = stream.read(4)
    if not header:
        raise EOFError("the hub has closed the connection")
    return json.loads(stream.read(struct.unpack(">I", header)[0]))


path, *messages = sys.argv[1:]
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("\0" + path[1:] if path.startswith("@") else path)
    with connection.makefile("rwb") as stream:
        for message in messages:
            send(stream, json.loads(message))
            print(json.dumps(receive(stream)))
