// An sqlite3_vfs over a Vfs: what stock SQLite, unmodified, sees as the operating system.
//
// It issues the operations that SQLite's own unix VFS issues on Linux, in the same order; in
// particular the same syncs (sqlite_fidelity_test.cpp compares the two). What is left out on
// purpose: the -shm file (sqlite_shared_memory.h says why), temporary files (they live in memory of
// their own, nobody reads them after a restart), byte-range locks, memory mapping (off by default),
// and file modes and owners.
#pragma once

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "faults/vfs/vfs.h"

namespace plugpull {

// One process, as far as SQLite can tell, with one connection or several. Registered with SQLite
// under name() from construction to destruction.
class SqliteVfs {
 public:
  // Requires: `vfs` outlives this.
  explicit SqliteVfs(Vfs& vfs);
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;

  // Requires: every connection opened through it is closed.
  ~SqliteVfs();

  // For the last argument of sqlite3_open_v2.
  const char* name() const { return name_.c_str(); }

  // From here on nothing reaches the Vfs, neither reads nor writes: the process is dead. What
  // remains is to let SQLite give its memory back; sqlite3_close would otherwise roll back,
  // checkpoint and delete, none of which a process does that is killed.
  void Kill() { dead_ = true; }

  bool dead() const { return dead_; }
  Vfs& vfs() { return vfs_; }

  // Returns: the SqliteVfs behind `raw`. Requires: `raw` came from one.
  static SqliteVfs& From(sqlite3_vfs* raw) { return *static_cast<SqliteVfs*>(raw->pAppData); }

 private:
  Vfs& vfs_;
  std::string name_;
  bool dead_ = false;
  sqlite3_vfs raw_{};
};

// Returns: the directory that holds `path`; "" for the recorded directory itself.
std::string_view DirectoryOf(std::string_view path);

}  // namespace plugpull
