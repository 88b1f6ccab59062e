"""What the tests of the agent run on a Windows-like host: programs for its Python."""

#: Runs on the host: the working sets, in bytes, of a process and of a pythonw.exe that does nothing.
WEIGHER = """
import ctypes, json, subprocess, sys
from ctypes import wintypes

class Counters(ctypes.Structure):
    _fields_ = [('cb', wintypes.DWORD), ('faults', wintypes.DWORD), ('peak', ctypes.c_size_t), ('now', ctypes.c_size_t),
                ('rest', ctypes.c_size_t * 6)]

kernel, psapi = ctypes.WinDLL('kernel32'), ctypes.WinDLL('psapi')
kernel.OpenProcess.restype = wintypes.HANDLE

def working_set(pid):
    handle, counters = wintypes.HANDLE(kernel.OpenProcess(0x0410, False, pid)), Counters()
    assert psapi.GetProcessMemoryInfo(handle, ctypes.byref(counters), ctypes.sizeof(counters))
    return counters.now

up = 'import os, time; os.write(1, b"."); time.sleep(600)'
bare = subprocess.Popen(['pythonw', '-I', '-S', '-c', up], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert bare.stdout.read(1) == b'.'
print(json.dumps([working_set(int(sys.argv[1])), working_set(bare.pid)]))
bare.kill()
"""

#: Runs on the host: starts beats, ends them by TerminateProcess at random instants, and reads the record each time.
KILLER = """
import glob, json, random, subprocess, sys, time
line = json.loads(sys.argv[1])
dice = random.Random(SEED)
own = glob.glob('G:/Mon Drive/Synchronisation/RooSync/.shared-state/heartbeats/myia-po-2024.json')[0]
began = time.monotonic()
subprocess.run(line, stdin=subprocess.PIPE, capture_output=True)
whole = time.monotonic() - began
broken = 0
for _ in range(KILLS):
    child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(whole * dice.uniform(0.5, 1.1))
    child.kill()
    child.wait()
    try:
        with open(own, encoding='utf-8') as file:
            broken += json.load(file)['machineId'] != 'myia-po-2024'
    except ValueError:
        broken += 1
print(json.dumps({'broken': broken}))
"""

#: Runs on the host: who may lock, asked of the agent's lock and of filelock, while another process holds it with one.
LOCKER = """
import json, subprocess, sys
pyz, packages, path = sys.argv[1:]
sys.path[:0] = [pyz, packages]
from filelock import FileLock, Timeout
from roosync_ops.agent.lock import Lock

def free():
    ours = Lock(path)
    first = ours.acquire()
    ours.release()
    theirs = FileLock(path, timeout=0)
    try:
        theirs.acquire()
    except Timeout:
        return [first, False]
    theirs.release()
    return [first, True]

def beside(take):
    code = f'import sys; sys.path[:0] = {[pyz, packages]!r}; {take}; print(1, flush=True); sys.stdin.read()'
    line = [sys.executable, '-I', '-S', '-B', '-c', code, path]
    holder = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    answer = free()
    holder.kill()
    holder.wait()
    return answer

answers = {
    'alone': free(),
    "beside the agent's": beside('from roosync_ops.agent.lock import Lock; k = Lock(sys.argv[1]); k.acquire()'),
    "beside filelock's": beside('from filelock import FileLock; k = FileLock(sys.argv[1]); k.acquire()'),
    'after a kill': free(),
}
print(json.dumps(answers))
"""
