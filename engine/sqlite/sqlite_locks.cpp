#include "engine/sqlite/sqlite_locks.h"

#include "faults/base/assert.h"

namespace plugpull {

bool SqliteLocks::Raise(SqliteLock& held, SqliteLock wanted) {
  Assert(wanted != SqliteLock::kPending, "SQLite takes a pending lock only on its way upwards");
  if (held >= wanted) return true;
  const bool is_writer = held > SqliteLock::kShared;
  const SqliteLock other_writer = is_writer ? SqliteLock::kNone : writer_;

  if (wanted == SqliteLock::kShared) {
    if (other_writer >= SqliteLock::kPending) return false;
    ++holders_;
    held = SqliteLock::kShared;
    return true;
  }
  Assert(held >= SqliteLock::kShared, "a writer starts as a reader");
  if (other_writer != SqliteLock::kNone) return false;
  if (wanted == SqliteLock::kExclusive && holders_ > 1) {
    held = writer_ = SqliteLock::kPending;
    return false;
  }
  held = writer_ = wanted;
  return true;
}

void SqliteLocks::Lower(SqliteLock& held, SqliteLock wanted) {
  Assert(wanted <= SqliteLock::kShared, "a lock goes down to shared or none");
  if (held <= wanted) return;
  if (held > SqliteLock::kShared) writer_ = SqliteLock::kNone;
  if (wanted == SqliteLock::kNone) --holders_;
  held = wanted;
}

}  // namespace plugpull
