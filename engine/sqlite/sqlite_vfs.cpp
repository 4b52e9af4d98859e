#include "engine/sqlite/sqlite_vfs.h"

#include <fmt/format.h>

#include <cstring>

#include "engine/sqlite/sqlite_environment.h"
#include "engine/sqlite/sqlite_file.h"
#include "faults/base/assert.h"

namespace plugpull {
namespace {

constexpr int kLongestPathBytes = 512;  // MAX_PATHNAME of os_unix.c

int Delete(sqlite3_vfs* raw, const char* path, int sync_directory) {
  SqliteVfs& self = SqliteVfs::From(raw);
  if (self.dead()) return SQLITE_IOERR_DELETE;
  if (const auto done = self.vfs().Unlink(path); !done) {
    return done.error().code == ErrorCode::kNotFound ? SQLITE_IOERR_DELETE_NOENT
                                                     : SQLITE_IOERR_DELETE;
  }
  // unixDelete: bit 0 only, and unlike the sync in unixSync its failure is reported.
  if ((sync_directory & 1) != 0 && !self.vfs().SyncDirectory(DirectoryOf(path))) {
    return SQLITE_IOERR_DIR_FSYNC;
  }
  return SQLITE_OK;
}

// unixAccess: an empty file counts as absent, which is how SQLite tells a truncated journal from a
// hot one without opening it.
int Access(sqlite3_vfs* raw, const char* path, int flags, int* out) {
  SqliteVfs& self = SqliteVfs::From(raw);
  *out = 0;
  if (self.dead()) return SQLITE_IOERR_ACCESS;
  const auto file = self.vfs().Open(path, OpenOptions{});
  if (!file) return SQLITE_OK;
  if (flags == SQLITE_ACCESS_EXISTS) {
    const auto size_bytes = (*file)->Size();
    *out = size_bytes && *size_bytes > 0;
  } else {
    *out = 1;
  }
  return SQLITE_OK;
}

// Paths are relative to the recorded directory and have no other spelling.
int FullPathname(sqlite3_vfs* /*raw*/, const char* path, int out_bytes, char* out) {
  const size_t length = std::strlen(path);
  if (length >= static_cast<size_t>(out_bytes)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, length + 1);
  return SQLITE_OK;
}

int GetLastError(sqlite3_vfs* /*raw*/, int /*byte_count*/, char* /*out*/) { return 0; }

}  // namespace

SqliteVfs::SqliteVfs(Vfs& vfs) : vfs_(vfs) {
  static uint64_t count = 0;
  PrepareSqlite();
  name_ = fmt::format("plugpull-{}", ++count);
  raw_.iVersion = 2;
  raw_.szOsFile = SqliteFileBytes();
  raw_.mxPathname = kLongestPathBytes;
  raw_.zName = name_.c_str();
  raw_.pAppData = this;
  raw_.xOpen = OpenSqliteFile;
  raw_.xDelete = Delete;
  raw_.xAccess = Access;
  raw_.xFullPathname = FullPathname;
  raw_.xRandomness = DeterministicRandomness;
  raw_.xSleep = NoSleep;
  raw_.xCurrentTime = FixedTime;
  raw_.xGetLastError = GetLastError;
  raw_.xCurrentTimeInt64 = FixedTimeInt64;
  const int code = sqlite3_vfs_register(&raw_, /*makeDflt=*/0);
  Assert(code == SQLITE_OK, "SQLite accepts our VFS");
}

SqliteVfs::~SqliteVfs() { sqlite3_vfs_unregister(&raw_); }

std::string_view DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace plugpull
