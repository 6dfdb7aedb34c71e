# What programs.rs describes, in Python.
import sys
import threading
import time

condition = threading.Condition()
waits = "wait" in sys.argv
while True:
    print("T", time.time_ns(), time.monotonic_ns(), flush=True)
    if waits:
        begin = time.monotonic_ns()
        with condition:
            condition.wait(0.5)
        print("W", time.monotonic_ns() - begin, flush=True)
    else:
        time.sleep(0.01)
