"""Maps a number of tiny tasks over two processes, and prints the seconds."""
import sys
import time
from dataclasses import dataclass
from multiprocessing import Pool


def square(x):
    return x * x


@dataclass
class Page:
    word: str
    count: int
    lines: list


def turn(page):
    page.count += 1
    return page


if __name__ == "__main__":
    times = int(sys.argv[2])
    f, inputs = square, range(times)
    if sys.argv[1] == "chunked-struct":
        f, inputs = turn, [Page(str(i), i, [i, i + 1]) for i in range(times)]
    with Pool(2) as pool:
        pool.map(square, [1])
        start = time.perf_counter()
        pool.map(f, inputs, **({"chunksize": 1} if sys.argv[1] == "chunk=1" else {}))
        print(time.perf_counter() - start)
