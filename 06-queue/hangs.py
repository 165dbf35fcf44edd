"""Joins a producer before its item is taken: it waits until it is."""
import multiprocessing, os, sys


def deliver(queue):
    queue.put("x" * (1 << 20))


context = multiprocessing.get_context("fork")
queue = context.Queue()
producer = context.Process(target=deliver, args=(queue,))
producer.start()
producer.join(1)
print("the producer has ended after 1 s:", not producer.is_alive())
print("what it has put is taken:", len(queue.get()), "bytes")
producer.join(10)
print("now it has ended:", not producer.is_alive())
sys.stdout.flush()
os._exit(0)
