#include "engine/sqlite/sqlite_shared_memory.h"

#include "faults/base/assert.h"

namespace plugpull {
namespace {

uint8_t Bit(int lock) { return static_cast<uint8_t>(1U << lock); }

}  // namespace

void* SqliteSharedMemory::Region(Connection& connection, int index, int region_bytes, bool extend) {
  if (!connection.attached) {
    connection = Connection{.attached = true};
    ++attached_;
  }
  const auto wanted = static_cast<size_t>(index) + 1;
  if (regions_.size() < wanted && !extend) return nullptr;
  while (regions_.size() < wanted) {
    regions_.push_back(std::make_unique<std::byte[]>(static_cast<size_t>(region_bytes)));
  }
  return regions_[wanted - 1].get();
}

bool SqliteSharedMemory::LockShared(Connection& connection, int first) {
  Assert(connection.attached, "shared memory is locked only where it is mapped");
  if ((connection.shared & Bit(first)) != 0) return true;
  if (locks_[static_cast<size_t>(first)] == kExclusive) return false;
  ++locks_[static_cast<size_t>(first)];
  connection.shared |= Bit(first);
  return true;
}

bool SqliteSharedMemory::LockExclusive(Connection& connection, int first, int count) {
  Assert(connection.attached, "shared memory is locked only where it is mapped");
  for (int lock = first; lock < first + count; ++lock) {
    // SQLite never upgrades a shared lock, so any holder but ourselves is in the way.
    const bool ours = (connection.exclusive & Bit(lock)) != 0;
    if (!ours && locks_[static_cast<size_t>(lock)] != 0) return false;
  }
  for (int lock = first; lock < first + count; ++lock) {
    locks_[static_cast<size_t>(lock)] = kExclusive;
    connection.exclusive |= Bit(lock);
  }
  return true;
}

void SqliteSharedMemory::Unlock(Connection& connection, int first, int count) {
  for (int lock = first; lock < first + count; ++lock) {
    int& holders = locks_[static_cast<size_t>(lock)];
    if ((connection.exclusive & Bit(lock)) != 0) holders = 0;
    if ((connection.shared & Bit(lock)) != 0) --holders;
    connection.exclusive &= static_cast<uint8_t>(~Bit(lock));
    connection.shared &= static_cast<uint8_t>(~Bit(lock));
  }
}

void SqliteSharedMemory::Detach(Connection& connection) {
  if (!connection.attached) return;
  Unlock(connection, 0, kLockCount);
  connection.attached = false;
  if (--attached_ == 0) regions_.clear();
}

}  // namespace plugpull
