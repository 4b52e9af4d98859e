// What all connections to one database file share in memory: locks and the WAL index. A restart
// loses it, so it belongs to the connections, not to the Vfs: it exists while one of them has the
// file open, and thousands of recoveries in one process leave nothing behind for each other.
#pragma once

#include <memory>
#include <string_view>

#include "engine/sqlite/sqlite_locks.h"
#include "engine/sqlite/sqlite_shared_memory.h"
#include "faults/vfs/vfs.h"

namespace plugpull {

struct SqliteDatabaseState {
  SqliteLocks locks;
  SqliteSharedMemory memory;
};

// Returns: the state of the database at `path` of `vfs`, shared with everybody who has it open now.
std::shared_ptr<SqliteDatabaseState> ShareDatabaseState(const Vfs& vfs, std::string_view path);

// Returns: for how many databases there is any state at the moment, for tests.
size_t LiveDatabaseStates();

}  // namespace plugpull
