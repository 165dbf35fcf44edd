"""Two ways to wait for the dead in Python: hangs.py killed, hangs.py dead."""
import multiprocessing, os, signal, sys, threading

patience = 1.0
context = multiprocessing.get_context("fork")


def hold(lock, holds):
    lock.acquire()
    holds.set()
    signal.pause()


def killed():
    """The holder of a Lock is killed."""
    lock, holds = context.Lock(), context.Event()
    holder = context.Process(target=hold, args=(lock, holds))
    holder.start()
    holds.wait()
    holder.kill()
    holder.join()
    print("the holder of a Lock is killed; the next one has it after 1 s:", lock.acquire(timeout=patience))


def wait(event, waits):
    waits.release()
    event.wait()


def dead():
    """One who waits for an Event is killed."""
    event, waits = context.Event(), context.Semaphore(0)
    waiters = [context.Process(target=wait, args=(event, waits)) for _ in range(3)]
    for w in waiters:
        w.start()
        waits.acquire()
    while event._cond._sleeping_count.get_value() < 3:  # until all three sleep
        pass
    waiters[0].kill()
    waiters[0].join()
    setter = threading.Thread(target=event.set, daemon=True)
    setter.start()
    setter.join(patience)
    print("of three who wait for an Event one is killed; set has returned after 1 s:", not setter.is_alive())
    for w in waiters[1:]:
        w.kill()
        w.join()


{"killed": killed, "dead": dead}[sys.argv[1]]()
sys.stdout.flush()
os._exit(0)  # or the thread that hangs would keep us
