"""Measures a timed read with selectors. Argument: how often. Prints seconds."""
import json
import selectors
import socket
import sys
import time


def read_inputs(pipe, timeout):
    selector = selectors.DefaultSelector()
    selector.register(pipe, selectors.EVENT_READ)
    ready = selector.select(timeout)
    selector.close()
    return json.loads(pipe.readline()) if ready else None


def main():
    n = int(sys.argv[1])
    left, right = socket.socketpair()
    w, r = left.makefile("w"), right.makefile("r")
    begin = time.perf_counter()
    for _ in range(n):
        json.dump({"args": [1], "kwargs": {}}, w)
        w.write("\n")
        w.flush()
        read_inputs(r, 15)
    print(time.perf_counter() - begin)


main()
