// A thin layer over the C interface: connections and statements that give themselves back, and
// errors as values.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "faults/base/error.h"

namespace plugpull {

struct SqliteStatementCloser {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using SqliteStatement = std::unique_ptr<sqlite3_stmt, SqliteStatementCloser>;

struct SqliteConnectionCloser {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};
using SqliteConnection = std::unique_ptr<sqlite3, SqliteConnectionCloser>;

// Opens (or creates) the database at `path` through the sqlite3_vfs named `vfs_name`. SQLite opens
// the file but reads nothing yet.
Expected<SqliteConnection> OpenSqlite(const std::string& path, const char* vfs_name);

Expected<SqliteStatement> PrepareStatement(sqlite3* connection, std::string_view sql);

// Runs `statement` to its end, ignoring rows, and makes it ready to run again.
Expected<void> RunStatement(sqlite3* connection, sqlite3_stmt* statement);

// Prepares and runs one statement. Returns: the first column of its first row; "" without a row.
Expected<std::string> Execute(sqlite3* connection, std::string_view sql);

}  // namespace plugpull
