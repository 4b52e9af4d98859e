#!/usr/bin/env python3
"""A driver for plugpull: copy this file, and put your store in place of the two below.

plugpull starts the program once, writes commands to its standard input, and reads answers from its
standard output. It checks thousands of directories with one process: each with `open DIR`, which is
what your users do after a power failure, then `check` and `dump`, then `close`.

    plugpull run driver:./my_driver.py,store=sqlite3     # "store=sqlite3" reaches open()

Three rules keep the findings true:
  - Add no sync, no repair and no retry that your users do not have.
  - Answer `ok` to `commit` only when your store would tell its user that the data is safe.
  - Let the program die when the store kills it. plugpull reports that, and starts another one.

The protocol is described in engine/drivers/README.md.
"""

import sys


class Sqlite3Store:
    """The module sqlite3: one table of keys and values, the journal mode as it comes."""

    def __init__(self, directory):
        import sqlite3
        # isolation_level=None: the module begins no transactions of its own.
        self.database = sqlite3.connect(directory + "/store.db", isolation_level=None)
        # Connecting reads nothing; this does, and so recovers what a crash has left behind.
        self.has_table = self.database.execute(
            "SELECT count(*) FROM sqlite_master WHERE name='kv'").fetchone()[0] == 1

    def begin(self):
        self.database.execute("BEGIN IMMEDIATE")
        if not self.has_table:
            self.database.execute("CREATE TABLE kv(k BLOB PRIMARY KEY, v BLOB)")

    def put(self, key, value):
        self.database.execute("INSERT OR REPLACE INTO kv VALUES(?,?)", (key, value))

    def delete(self, key):
        self.database.execute("DELETE FROM kv WHERE k=?", (key,))

    def commit(self):
        self.database.execute("COMMIT")
        self.has_table = True

    def abort(self):
        if self.database.in_transaction:
            self.database.execute("ROLLBACK")

    def pairs(self):
        return self.database.execute("SELECT k,v FROM kv") if self.has_table else ()

    def check(self):
        """Returns what is wrong, or None. A text that starts with "leak: " is lost space alone."""
        report = self.database.execute("PRAGMA integrity_check").fetchone()[0]
        return None if report == "ok" else report

    def close(self):
        self.database.close()


class DbmStore:
    """A module of the package dbm, which knows no transactions: changes wait here for commit."""

    def __init__(self, directory, module):
        import importlib
        self.database = importlib.import_module("dbm." + module).open(directory + "/store", "c")
        self.changes = []

    def begin(self):
        self.changes = []

    def put(self, key, value):
        self.changes.append((key, value))

    def delete(self, key):
        self.changes.append((key, None))

    def commit(self):
        for key, value in self.changes:
            if value is not None:
                self.database[key] = value
            elif key in self.database:
                del self.database[key]
        self.database.sync()  # the most that the module offers; dbm.dumb calls no fsync in it

    def abort(self):
        self.changes = []

    def pairs(self):
        return ((key, self.database[key]) for key in self.database.keys())

    def check(self):
        return None  # these modules have no check; plugpull still compares what `dump` says

    def close(self):
        self.database.close()


def open_store(directory, options):
    store = options.pop("store", "sqlite3")
    if options:
        raise ValueError(f"there is no option '{next(iter(options))}'")
    if store == "sqlite3":
        return Sqlite3Store(directory)
    if store in ("dumb", "gnu"):
        return DbmStore(directory, store)
    raise ValueError(f"there is no store '{store}'")


NO_TRANSACTION = ValueError("there is no transaction")


class Driver:
    """From here on it is the protocol, the same for every store."""

    def __init__(self):
        self.store = None
        self.failure = NO_TRANSACTION  # or what went wrong in it, so that it is not committed

    def open(self, directory, *words):
        if self.store is not None:
            raise ValueError("a store is open already")
        self.store = open_store(directory, dict(word.split("=", 1) for word in words))

    def begin(self):
        self.failure = NO_TRANSACTION
        self.store.begin()
        self.failure = None

    def change(self, work):
        if self.failure is None:
            try:
                work()
            except Exception as failure:
                self.failure = failure
        if self.failure is not None:
            raise self.failure

    def put(self, key, value):
        self.change(lambda: self.store.put(decode(key), decode(value)))

    # `del` is a word of Python's own, so the methods are found by other names: see COMMANDS.
    def delete(self, key):
        self.change(lambda: self.store.delete(decode(key)))

    def commit(self):
        try:
            self.change(self.store.commit)
        except Exception:
            self.store.abort()
            raise
        finally:
            self.failure = NO_TRANSACTION

    def abort(self):
        self.store.abort()

    def dump(self):
        for key, value in self.store.pairs():
            sys.stdout.write(f"{encode(key)} {encode(value)}\n")
        return "end"

    def check(self):
        problem = self.store.check()
        return "ok" if problem is None else "err " + " ".join(problem.split())

    def repair(self):
        raise ValueError("this store has no repair")

    def close(self):
        store, self.store = self.store, None
        store.close()


COMMANDS = {"open": Driver.open, "begin": Driver.begin, "put": Driver.put, "del": Driver.delete,
            "commit": Driver.commit, "abort": Driver.abort, "dump": Driver.dump,
            "check": Driver.check, "repair": Driver.repair, "close": Driver.close}


def decode(word):
    return b"" if word == "-" else bytes.fromhex(word)


def encode(data):
    return data.hex() or "-"


def main():
    driver = Driver()
    for line in sys.stdin:
        name, *words = line.split() or [""]
        if name == "quit":
            print("ok", flush=True)
            return
        try:
            if name not in COMMANDS:
                raise ValueError(f"there is no command '{name}'")
            answer = COMMANDS[name](driver, *words) or "ok"
        except Exception as problem:  # one line, whatever it is
            answer = "err " + " ".join(f"{type(problem).__name__}: {problem}".split())
        print(answer, flush=True)


if __name__ == "__main__":
    main()
