"""A worker of multiprocessing.Pool is killed in the middle of a task: map never returns.
Here it is given three seconds."""
import multiprocessing, os, signal, sys


def fragile(x):
    if x == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


pool = multiprocessing.get_context("fork").Pool(2)
waiting = pool.map_async(fragile, range(20), chunksize=1)
try:
    print(waiting.get(timeout=3))
except multiprocessing.TimeoutError:
    print("after 3 s map has not returned, and it never would")
sys.stdout.flush()
pool.terminate()
