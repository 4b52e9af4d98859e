#include "engine/sqlite/sqlite_locks.h"

#include <gtest/gtest.h>

#include "engine/sqlite/sqlite_shared_memory.h"

namespace plugpull {
namespace {

TEST(SqliteLocksTest, ReadersShareAndOneWriterWaitsForThem) {
  SqliteLocks locks;
  SqliteLock reader = SqliteLock::kNone;
  SqliteLock writer = SqliteLock::kNone;
  SqliteLock late = SqliteLock::kNone;
  EXPECT_TRUE(locks.Raise(reader, SqliteLock::kShared));
  EXPECT_TRUE(locks.Raise(writer, SqliteLock::kShared));
  EXPECT_FALSE(locks.IsReserved());
  EXPECT_TRUE(locks.Raise(writer, SqliteLock::kReserved));
  EXPECT_TRUE(locks.IsReserved());
  EXPECT_FALSE(locks.Raise(reader, SqliteLock::kReserved));
  EXPECT_FALSE(locks.Raise(reader, SqliteLock::kExclusive));
  EXPECT_TRUE(locks.Raise(late, SqliteLock::kShared));
  locks.Lower(late, SqliteLock::kNone);
  EXPECT_FALSE(locks.Raise(writer, SqliteLock::kExclusive));
  EXPECT_EQ(writer, SqliteLock::kPending);
  EXPECT_FALSE(locks.Raise(late, SqliteLock::kShared));
  locks.Lower(reader, SqliteLock::kNone);
  EXPECT_TRUE(locks.Raise(writer, SqliteLock::kExclusive));
  locks.Lower(writer, SqliteLock::kShared);
  EXPECT_TRUE(locks.Raise(late, SqliteLock::kShared));
}

TEST(SqliteSharedMemoryTest, SharedAndExclusiveLocksExcludeEachOther) {
  SqliteSharedMemory memory;
  SqliteSharedMemory::Connection first;
  SqliteSharedMemory::Connection second;
  EXPECT_EQ(memory.Region(first, 0, 32768, /*extend=*/false), nullptr);
  void* region = memory.Region(first, 0, 32768, /*extend=*/true);
  ASSERT_NE(region, nullptr);
  EXPECT_EQ(memory.Region(second, 0, 32768, /*extend=*/false), region);
  EXPECT_TRUE(memory.LockShared(first, 4));
  EXPECT_TRUE(memory.LockShared(second, 4));
  EXPECT_FALSE(memory.LockExclusive(first, 3, 3));
  memory.Unlock(second, 4, 1);
  memory.Unlock(first, 4, 1);
  EXPECT_TRUE(memory.LockExclusive(first, 3, 3));
  EXPECT_FALSE(memory.LockShared(second, 5));
  EXPECT_TRUE(memory.LockExclusive(second, 6, 1));
  memory.Detach(first);
  EXPECT_TRUE(memory.LockShared(second, 5));
}

TEST(SqliteSharedMemoryTest, TheLastToLeaveEmptiesIt) {
  SqliteSharedMemory memory;
  SqliteSharedMemory::Connection first;
  SqliteSharedMemory::Connection second;
  auto* bytes = static_cast<char*>(memory.Region(first, 0, 32768, /*extend=*/true));
  bytes[0] = 'x';
  EXPECT_NE(memory.Region(second, 0, 32768, /*extend=*/false), nullptr);
  memory.Detach(first);
  EXPECT_NE(memory.Region(second, 0, 32768, /*extend=*/false), nullptr);
  memory.Detach(second);
  EXPECT_EQ(memory.Region(first, 0, 32768, /*extend=*/false), nullptr);
  bytes = static_cast<char*>(memory.Region(first, 0, 32768, /*extend=*/true));
  EXPECT_EQ(bytes[0], 0);
}

}  // namespace
}  // namespace plugpull
