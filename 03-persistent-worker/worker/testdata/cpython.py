"""Measures a persistent worker as the tutorial has it. Argument: how often. Prints seconds."""
import json
import subprocess
import sys
import time

WORKER = """
import json, sys
for line in sys.stdin:
    inputs = json.loads(line)
    sys.stdout.write(json.dumps(inputs["args"][0] + 1) + "\\n")
    sys.stdout.flush()
"""


def main():
    n = int(sys.argv[1])
    worker = subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(*args, **kwargs):
        json.dump({"args": args, "kwargs": kwargs}, worker.stdin)
        worker.stdin.write("\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())

    call(1)
    begin = time.perf_counter()
    for _ in range(n):
        call(1)
    print(time.perf_counter() - begin)
    worker.stdin.close()
    worker.wait()


main()
