"""A worker of the spool: a line of JSON comes, a line of JSON goes."""
import json, os, sys

for line in sys.stdin:
    (x,) = json.loads(line)["args"]
    print(json.dumps({"Square": x * x, "PID": os.getpid()}), flush=True)
