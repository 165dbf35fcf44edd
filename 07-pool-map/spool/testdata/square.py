# A worker of the spool: one line of JSON in, one line out, until the input ends.
import json
import sys

for line in sys.stdin:
    (x,) = json.loads(line)["args"]
    print(json.dumps(x * x), flush=True)
