// An open file as SQLite sees it: the sqlite3_io_methods of SqliteVfs.
#pragma once

#include <sqlite3.h>

namespace plugpull {

// Returns: sqlite3_vfs::szOsFile.
int SqliteFileBytes();

// sqlite3_vfs::xOpen of a SqliteVfs.
int OpenSqliteFile(sqlite3_vfs* vfs, const char* path, sqlite3_file* raw, int flags,
                   int* out_flags);

}  // namespace plugpull
