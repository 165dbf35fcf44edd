"""cpython.py N TIMES: N processes put TIMES items of 64 bytes, N others get them; prints the seconds."""
import multiprocessing, sys, time


def pour(queue, go, times):
    go.wait()
    for _ in range(times):
        queue.put(b"x" * 64)


def drink(queue, go, times):
    go.wait()
    for _ in range(times):
        queue.get()


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    n, times = int(sys.argv[1]), int(sys.argv[2])
    queue, go = context.Queue(), context.Barrier(2 * n + 1)
    all = [context.Process(target=f, args=(queue, go, times)) for f in [pour] * n + [drink] * n]
    for p in all:
        p.start()
    go.wait()
    begin = time.perf_counter()
    for p in all:
        p.join()
    print(time.perf_counter() - begin)
