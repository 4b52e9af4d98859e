// The WAL index: memory that all connections to one database in WAL mode share, and the eight locks
// that guard it.
//
// On Unix it is the mapped file test.db-shm. That file is deliberately not on our Vfs, because what
// a power cut leaves of it is never read: the first connection after a restart finds that nobody
// holds the "dead man switch" lock and truncates the file before anybody looks at it (os_unix.c,
// unixLockSharedMemory). Putting it on the Vfs would only add writes whose loss cannot matter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace plugpull {

// One per database file. Empties itself when the last connection detaches, which stands for the
// truncation by the next first connection.
class SqliteSharedMemory {
 public:
  static constexpr int kLockCount = 8;  // SQLITE_SHM_NLOCK

  // One connection's part in it: which locks it holds.
  struct Connection {
    bool attached = false;
    uint8_t shared = 0;     // bit i: lock i is held shared
    uint8_t exclusive = 0;  // bit i: lock i is held exclusively
  };

  // Returns: region `index` of `region_bytes` bytes, which stays in place until the memory empties;
  // nullptr when it does not exist and `extend` is false. New regions are zero.
  void* Region(Connection& connection, int index, int region_bytes, bool extend);

  // Takes locks [first, first + count) exclusively, all or none, or one lock shared. Returns: false
  // when another connection's lock is in the way. Requires: `connection` is attached.
  bool LockShared(Connection& connection, int first);
  bool LockExclusive(Connection& connection, int first, int count);

  // Gives up whatever `connection` holds among [first, first + count).
  void Unlock(Connection& connection, int first, int count);

  // Ends a connection's part: its locks are released.
  void Detach(Connection& connection);

 private:
  static constexpr int kExclusive = -1;

  int attached_ = 0;
  std::array<int, kLockCount> locks_{};  // number of shared holders, or kExclusive
  std::vector<std::unique_ptr<std::byte[]>> regions_;
};

}  // namespace plugpull
