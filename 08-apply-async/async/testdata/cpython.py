"""So many tasks through Pool.apply_async, so many of them on their way at a time: prints
how many seconds that took."""
import multiprocessing, sys, time


def square(x):
    return x * x


in_flight, n = int(sys.argv[1]), int(sys.argv[2])
with multiprocessing.get_context("fork").Pool(2) as pool:
    ring = [pool.apply_async(square, (i,)) for i in range(in_flight)]
    start = time.perf_counter()
    for i in range(n):
        ring[i % in_flight].get()
        ring[i % in_flight] = pool.apply_async(square, (i,))
    print(time.perf_counter() - start)
    for one in ring:
        one.get()
