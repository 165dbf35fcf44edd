"""cpython.py N TIMES: N processes take a multiprocessing.Lock TIMES times each; prints the seconds."""
import multiprocessing, sys, time


def contend(lock, go, times):
    go.wait()
    for _ in range(times):
        lock.acquire()
        lock.release()


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    n, times = int(sys.argv[1]), int(sys.argv[2])
    lock, go = context.Lock(), context.Barrier(n + 1)
    all = [context.Process(target=contend, args=(lock, go, times)) for _ in range(n)]
    for p in all:
        p.start()
    go.wait()
    begin = time.perf_counter()
    for p in all:
        p.join()
    print(time.perf_counter() - begin)
