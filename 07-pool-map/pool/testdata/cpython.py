"""Maps a number of tiny tasks over two processes, and prints the seconds."""
import sys
import time
from multiprocessing import Pool


def square(x):
    return x * x


if __name__ == "__main__":
    times = int(sys.argv[2])
    with Pool(2) as pool:
        pool.map(square, [1])
        start = time.perf_counter()
        pool.map(square, range(times), **({"chunksize": 1} if sys.argv[1] == "chunk=1" else {}))
        print(time.perf_counter() - start)
