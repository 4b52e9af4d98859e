// The five lock levels of a SQLite database file, as one process's connections see them. On a real
// system they are byte-range locks on the file (os_unix.c, "Posix Advisory Locking"); they guard
// nothing after a restart, so here they live beside the file and never reach the Vfs.
#pragma once

namespace plugpull {

// The values are SQLite's own: SQLITE_LOCK_NONE to SQLITE_LOCK_EXCLUSIVE.
enum class SqliteLock : int { kNone, kShared, kReserved, kPending, kExclusive };

// Who holds what on one database file.
//
// Rules (os_unix.c, unixLock): any number of readers; one writer may hold kReserved beside them;
// kPending lets the readers finish and admits no new one; kExclusive is alone.
class SqliteLocks {
 public:
  // Moves a connection's lock from `held` up to `wanted`. Returns: false when another connection is
  // in the way. A failed request for kExclusive may leave `held` at kPending, as on Unix, so that
  // new readers cannot starve the writer.
  // Requires: `held` is what earlier calls left it at; kPending is never asked for.
  bool Raise(SqliteLock& held, SqliteLock wanted);

  // Moves it down. Requires: `wanted` is kNone or kShared.
  void Lower(SqliteLock& held, SqliteLock wanted);

  // Returns: true when some connection, the asking one included, means to write.
  bool IsReserved() const { return writer_ != SqliteLock::kNone; }

 private:
  int holders_ = 0;                        // connections at kShared or above
  SqliteLock writer_ = SqliteLock::kNone;  // the one lock above kShared, if any
};

}  // namespace plugpull
