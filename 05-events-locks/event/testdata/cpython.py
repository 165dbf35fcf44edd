"""Half a ping-pong with two multiprocessing.Events: prints the seconds for N of them."""
import multiprocessing, sys, time


def play(waits, sets, times):
    for _ in range(times):
        waits.wait()
        waits.clear()
        sets.set()


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    times = int(sys.argv[1]) // 2
    ping, pong = context.Event(), context.Event()
    other = context.Process(target=play, args=(ping, pong, times))
    other.start()
    begin = time.perf_counter()
    ping.set()
    play(pong, ping, times - 1)
    pong.wait()
    print(time.perf_counter() - begin)
    other.join()
