"""A worker in Python: it reads {"args": […], "kwargs": {…}}, one on a line, and answers.

Standard library only. What it needs to know it finds in its environment; started by hand it
reads stdin, answers with envelopes on stdout, and goes after 5 seconds without input.
"""
import json, os, selectors, time, traceback

def function(x):
    return x + 1

def lines(inputs, idle):
    """Whole lines, until the input ends or nothing has come for the idle time. It keeps its own
    buffer: two lines that come at once must not wait for a third to wake the selector."""
    selector, buffer = selectors.DefaultSelector(), b""
    selector.register(inputs, selectors.EVENT_READ)
    while selector.select(idle or None):
        more = os.read(inputs, 65536)
        *whole, buffer = (buffer + more).split(b"\n")
        yield from whole
        if not more:
            return

def main():
    dialect = os.environ.get("MULTIPROCESSING_DIALECT", "envelope")
    flag = os.environ.get("MULTIPROCESSING_FLAG", "") if dialect == "flagged" else ""
    inputs = outputs = int(os.environ.get("MULTIPROCESSING_CHANNEL", "0"))
    if inputs == 0:  # then what anybody prints from here on goes to stderr, and only we to stdout
        outputs = os.dup(1)
        os.dup2(2, 1)
    def answer(value):
        rest = memoryview((flag + json.dumps(value) + "\n").encode())
        while rest:
            rest = rest[os.write(outputs, rest):]
    time.sleep(float(os.environ.get("STARTUP", "0")))  # the expensive part: imports, models, tables
    if os.environ.get("MULTIPROCESSING_ANNOUNCE"):
        answer({"ready": True, "protocol": 1})
    for line in lines(inputs, float(os.environ.get("MULTIPROCESSING_IDLE", "5"))):
        try:
            call = json.loads(line)
            value = function(*call["args"], **call["kwargs"])
            answer({"ok": True, "value": value} if dialect == "envelope" else value)
        except Exception as e:
            if dialect != "envelope":
                raise  # to crash is all that the other dialects have
            answer({"ok": False, "error": f"{type(e).__name__}: {e}", "trace": traceback.format_exc()})

main()
