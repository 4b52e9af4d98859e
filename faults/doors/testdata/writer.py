"""Files written as Python programs do: sqlite3, dbm, pickles replaced, mappings, child processes."""
import dbm.dumb
import mmap
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys

database = sqlite3.connect("python.db")
database.execute("create table t(a integer primary key, b text)")
for i in range(30):
    with database:
        database.execute("insert into t values (?, ?)", (i, "x" * 300))
database.close()

with dbm.dumb.open("dumb", "c") as names:
    for i in range(50):
        names[f"key {i % 20}"] = "v" * i

for i in range(10):
    with open("state.tmp", "wb") as out:
        pickle.dump({"i": i}, out)
        out.flush()
        os.fsync(out.fileno())
    os.replace("state.tmp", "state")

with open("mapped", "w+b") as out:
    out.truncate(50000)
    with mmap.mmap(out.fileno(), 50000) as mapping:
        for i in range(0, 50000, 1000):
            mapping[i : i + 5] = b"hello"
        mapping.flush()
        mapping[49990:49995] = b"later"

os.makedirs("a/b/c")
shutil.copyfile("state", "a/b/c/copy")
os.link("state", "a/hard")
os.symlink("b/c", "a/soft")
subprocess.run([sys.executable, "-c", "open('child','w').write('x' * 9000)"], check=True)
shutil.copytree("a", "z", symlinks=True)
shutil.rmtree("a")
