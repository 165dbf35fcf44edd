"""Sends a number of messages of one size to another process, and prints the seconds."""
import sys
import time
from multiprocessing import Pipe, Process


def shoot(conn, size, times):
    frame = bytes(size)
    conn.recv()
    for _ in range(times):
        conn.send_bytes(frame)


if __name__ == "__main__":
    size, times = int(sys.argv[1]), int(sys.argv[2])
    here, there = Pipe()
    process = Process(target=shoot, args=(there, size, times))
    process.start()
    there.close()
    here.send("go")
    start = time.perf_counter()
    for _ in range(times):
        here.recv_bytes()
    print(time.perf_counter() - start)
    process.join()
