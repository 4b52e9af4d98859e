#include "engine/sqlite/sqlite_environment.h"

#include <algorithm>
#include <cstring>

#include "engine/sqlite/sqlite_memory.h"
#include "faults/base/assert.h"
#include "faults/base/random.h"

namespace plugpull {
namespace {

constexpr uint64_t kInitialSeed = 0x706c756770756c6cULL;  // arbitrary
constexpr size_t kHeaderBytes = 128;  // no header of SQLite's, of any file, is longer

// 2000-01-01 12:00 UTC in the milliseconds of sqlite3_vfs::xCurrentTimeInt64.
constexpr sqlite3_int64 kNowJulianMilliseconds = 2451545LL * 86'400'000LL;

uint64_t seed = kInitialSeed;

// The default VFS serves one purpose: SQLite seeds its generator from the default VFS, whichever
// VFS the database is on (random.c, sqlite3_randomness). In all else it is SQLite's unix VFS, so
// whoever opens an ordinary file in this process still can.
void InstallDefaultVfs() {
  const sqlite3_vfs* unix_vfs = sqlite3_vfs_find("unix");
  Assert(unix_vfs != nullptr, "SQLite has its unix VFS");
  static sqlite3_vfs default_vfs = *unix_vfs;
  default_vfs.zName = "plugpull-default";
  default_vfs.pNext = nullptr;
  default_vfs.xRandomness = DeterministicRandomness;
  const int code = sqlite3_vfs_register(&default_vfs, /*makeDflt=*/1);
  Assert(code == SQLITE_OK, "SQLite accepts a default VFS");
}

bool Configure() {
  // These only make SQLite faster, and they fail without harm when somebody in the process has used
  // SQLite before us.
  sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  UseSqlitePool();
  const int code = sqlite3_initialize();
  Assert(code == SQLITE_OK, "SQLite initialises");
  InstallDefaultVfs();
  return true;
}

}  // namespace

void PrepareSqlite() {
  static const bool prepared = Configure();
  static_cast<void>(prepared);
}

void RestartRandomness() {
  seed = kInitialSeed;
  sqlite3_randomness(0, nullptr);
}

void ObserveRead(uint64_t offset_bytes, std::span<const std::byte> data) {
  seed = Mix64(seed ^ offset_bytes ^ (uint64_t{data.size()} << 48));
  if (data.size() > kHeaderBytes) return;
  while (!data.empty()) {
    const size_t size = std::min(data.size(), sizeof(uint64_t));
    uint64_t word = 0;
    std::memcpy(&word, data.data(), size);
    seed = Mix64(seed ^ word);
    data = data.subspan(size);
  }
}

int DeterministicRandomness(sqlite3_vfs* /*vfs*/, int byte_count, char* out) {
  Random random(seed);
  for (int i = 0; i < byte_count; ++i) out[i] = static_cast<char>(random.Below(256));
  return byte_count;
}

int NoSleep(sqlite3_vfs* /*vfs*/, int microseconds) { return microseconds; }

int FixedTime(sqlite3_vfs* /*vfs*/, double* julian_day) {
  *julian_day = static_cast<double>(kNowJulianMilliseconds) / 86'400'000.0;
  return SQLITE_OK;
}

int FixedTimeInt64(sqlite3_vfs* /*vfs*/, sqlite3_int64* julian_milliseconds) {
  *julian_milliseconds = kNowJulianMilliseconds;
  return SQLITE_OK;
}

}  // namespace plugpull
