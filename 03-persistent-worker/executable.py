"""A worker in Python: it reads {"args": […], "kwargs": {…}}, one on a line, and answers each.
Started by hand it answers with envelopes, and goes after 5 seconds without input."""
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

def main(env=os.environ):
    dialect = env.get("MULTIPROCESSING_DIALECT", "envelope")
    inputs = outputs = int(env.get("MULTIPROCESSING_CHANNEL", "0"))
    if inputs == 0:  # then what anybody prints from here on goes to stderr, and only we to stdout
        outputs = os.dup(1)
        os.dup2(2, 1)
    def answer(value, flag=env.get("MULTIPROCESSING_FLAG", "")):
        rest = (flag + json.dumps(value) + "\n").encode()
        while rest:
            rest = rest[os.write(outputs, rest):]
    time.sleep(float(env.get("STARTUP", "0")))  # the expensive part: imports, models, tables
    if env.get("MULTIPROCESSING_ANNOUNCE"):
        answer({"ready": True, "protocol": 1}, flag="")
    for line in lines(inputs, float(env.get("MULTIPROCESSING_IDLE", "5"))):
        try:
            call = json.loads(line)
            value = function(*call["args"], **call["kwargs"])
            answer({"ok": True, "value": value} if dialect == "envelope" else value)
        except Exception as e:
            if dialect != "envelope":
                raise  # to crash is all that the other dialects have
            answer({"ok": False, "error": f"{type(e).__name__}: {e}", "trace": traceback.format_exc()})

main()
