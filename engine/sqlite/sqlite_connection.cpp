#include "engine/sqlite/sqlite_connection.h"

#include "engine/sqlite/sqlite_error.h"

namespace plugpull {

Expected<SqliteConnection> OpenSqlite(const std::string& path, const char* vfs_name) {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, kFlags, vfs_name);
  SqliteConnection connection(raw);  // also after a failure
  if (code != SQLITE_OK) return SqliteFailure(raw);
  sqlite3_extended_result_codes(raw, 1);
  return connection;
}

Expected<SqliteStatement> PrepareStatement(sqlite3* connection, std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v2(connection, sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  if (code != SQLITE_OK) return SqliteFailure(connection);
  return SqliteStatement(raw);
}

Expected<void> RunStatement(sqlite3* connection, sqlite3_stmt* statement) {
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  Expected<void> result;
  if (code != SQLITE_DONE) result = SqliteFailure(connection);
  sqlite3_reset(statement);
  return result;
}

Expected<std::string> Execute(sqlite3* connection, std::string_view sql) {
  auto statement = PrepareStatement(connection, sql);
  if (!statement) return std::unexpected(statement.error());
  std::string first;
  int code = sqlite3_step(statement->get());
  if (code == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement->get(), 0));
    if (text != nullptr) first = text;
  }
  while (code == SQLITE_ROW) code = sqlite3_step(statement->get());
  if (code != SQLITE_DONE) return SqliteFailure(connection);
  return first;
}

}  // namespace plugpull
