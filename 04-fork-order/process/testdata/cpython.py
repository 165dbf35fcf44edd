"""Starts processes to their first reply, one after the other. Arguments: the start method, how often. Prints seconds."""
import multiprocessing
import sys
import time


def square(x, conn):
    conn.send(x * x)


def main():
    context = multiprocessing.get_context(sys.argv[1])
    n = int(sys.argv[2])

    before = []

    def start(x):
        mine, theirs = context.Pipe()
        process = context.Process(target=square, args=(x, theirs))
        process.start()
        theirs.close()
        assert mine.recv() == x * x
        mine.close()
        # The one before ends meanwhile; more than one must not pile up.
        if before:
            before.pop().join()
        before.append(process)

    start(1)  # the fork server starts with the first
    begin = time.perf_counter()
    for x in range(n):
        start(x)
    print(time.perf_counter() - begin)
    before.pop().join()


if __name__ == "__main__":
    main()
