"""Measures multiprocessing.Pipe. Arguments: what to do, and how often. Prints seconds."""
import multiprocessing
import sys
import time


def echo(receive, send):
    while (message := receive()):
        send(message)


def drain(connection, other):
    other.close()
    try:
        while True:
            connection.recv_bytes()
    except EOFError:
        pass


def main():
    mode, n = sys.argv[1], int(sys.argv[2])
    kind, what = mode.split("/")
    context = multiprocessing.get_context("fork")
    if kind == "roundtrip":
        front, back = context.Pipe()
        if what == "bytes":
            message, send, receive = b"x" * 60, front.send_bytes, front.recv_bytes
            child = context.Process(target=echo, args=(back.recv_bytes, back.send_bytes))
        else:
            message, send, receive = {"id": 7, "name": "square", "args": [1, 2.5, 3]}, front.send, front.recv
            child = context.Process(target=echo, args=(back.recv, back.send))
        child.start()
        begin = time.perf_counter()
        for _ in range(n):
            send(message)
            receive()
        print(time.perf_counter() - begin)
        send(b"")
    else:
        size = {"64KiB": 1 << 16, "1MiB": 1 << 20, "single": 64}[what.removesuffix("-pipe")]
        r, w = context.Pipe(duplex=not what.endswith("-pipe"))
        child = context.Process(target=drain, args=(r, w))
        child.start()
        r.close()
        message = b"x" * size
        begin = time.perf_counter()
        for _ in range(n):
            w.send_bytes(message)
        w.close()
        child.join()
        print(time.perf_counter() - begin)
        return
    child.join()


main()
