#include "engine/sqlite/sqlite_engine.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "engine/sqlite/sqlite_connection.h"
#include "engine/sqlite/sqlite_environment.h"
#include "engine/sqlite/sqlite_error.h"
#include "engine/sqlite/sqlite_retelling.h"
#include "engine/sqlite/sqlite_vfs.h"
#include "faults/base/assert.h"

namespace plugpull {
namespace {

constexpr const char* kFileName = "test.db";
constexpr std::string_view kScan = "SELECT k,v FROM kv";
constexpr std::string_view kTableExists = "SELECT 1 FROM sqlite_schema WHERE name='kv'";
constexpr std::string_view kCreateTable =
    "CREATE TABLE IF NOT EXISTS kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID";

class SqliteEngine final : public Engine {
 public:
  SqliteEngine(Vfs& vfs, EngineOptions options) : vfs_(vfs), options_(std::move(options)) {}
  ~SqliteEngine() override { vfs_.Kill(); }

  Expected<void> Open() override;
  Expected<void> Apply(const Transaction& transaction) override;
  Expected<void> Scan(PairVisitor& visitor) override;
  Expected<CheckReport> Check() override;
  Expected<void> Close() override;

 private:
  const std::string& Option(const char* name) const { return options_.at(name); }

  Expected<void> PrepareScan();
  Expected<void> PrepareWriting();
  Expected<void> SetJournalMode();
  Expected<void> RunTransaction(const Transaction& transaction);
  Expected<void> RunChange(const Change& change);

  // Declared in the order in which they must outlive each other.
  SqliteVfs vfs_;
  EngineOptions options_;
  SqliteConnection connection_;
  SqliteStatement scan_;  // null: the table was not there when last looked for
  SqliteStatement begin_;
  SqliteStatement upsert_;
  SqliteStatement delete_;
  SqliteStatement commit_;
};

// As few statements as an application's open can have, because this runs for every crash state.
//
// Recovery is part of the first read, and compiling any statement reads the schema first. So does
// PRAGMA journal_mode, and so does PRAGMA synchronous (PragFlg_NeedSchema in SQLite's pragma.h):
// whatever an application asks for with them, a hot journal has been rolled back and a WAL replayed
// under SQLite's defaults before they take effect. They are therefore left to the first Apply.
// PRAGMA locking_mode alone reads nothing and does change recovery (a hot journal is then zeroed,
// not deleted, and the WAL index is private), so it comes first.
Expected<void> SqliteEngine::Open() {
  RestartRandomness();
  auto connection = OpenSqlite(kFileName, vfs_.name());
  if (!connection) return std::unexpected(connection.error());
  connection_ = std::move(*connection);
  if (Option("locking") == "exclusive") {
    const auto done = Execute(connection_.get(), "PRAGMA locking_mode=exclusive");
    if (!done) return std::unexpected(done.error());
  }
  return PrepareScan();
}

// Compiles the scan; leaves it null when there is no table yet, which is how a fresh store looks.
Expected<void> SqliteEngine::PrepareScan() {
  auto statement = PrepareStatement(connection_.get(), kScan);
  if (statement) {
    scan_ = std::move(*statement);
    return {};
  }
  if (sqlite3_errcode(connection_.get()) != SQLITE_ERROR) return std::unexpected(statement.error());
  // SQLITE_ERROR says "no such table" and a few other things.
  const auto exists = Execute(connection_.get(), kTableExists);
  if (!exists) return std::unexpected(exists.error());
  if (!exists->empty()) return std::unexpected(statement.error());
  return {};
}

// What an application sets up before it writes. Runs once, at the first Apply.
//
// The order matters. page_size only counts before the first page exists. synchronous is not stored
// in the file and must be in force before the first write, which may be the switch to WAL. WAL is
// stored in the file, so setting it again costs nothing; the other modes are not and must be set by
// each process. The table is made last, in a transaction of its own.
Expected<void> SqliteEngine::PrepareWriting() {
  sqlite3* connection = connection_.get();
  if (!scan_) {
    const auto done = Execute(connection, fmt::format("PRAGMA page_size={}", Option("page_size")));
    if (!done) return std::unexpected(done.error());
  }
  const auto done = Execute(connection, fmt::format("PRAGMA synchronous={}", Option("sync")));
  if (!done) return std::unexpected(done.error());
  sqlite3_wal_autocheckpoint(connection, std::stoi(Option("checkpoint")));
  if (auto switched = SetJournalMode(); !switched) return switched;
  if (!scan_) {
    if (const auto created = Execute(connection, kCreateTable); !created) {
      return std::unexpected(created.error());
    }
    if (auto prepared = PrepareScan(); !prepared) return prepared;
  }
  const std::pair<SqliteStatement&, std::string_view> statements[] = {
      {begin_, "BEGIN IMMEDIATE"},
      {upsert_, "INSERT INTO kv(k,v) VALUES(?1,?2) ON CONFLICT(k) DO UPDATE SET v=excluded.v"},
      {delete_, "DELETE FROM kv WHERE k=?1"},
      {commit_, "COMMIT"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = PrepareStatement(connection, sql);
    if (!prepared) return std::unexpected(prepared.error());
    statement = std::move(*prepared);
  }
  return {};
}

// The pragma answers with the mode that is in force afterwards, and calls it no error when that is
// not the one asked for.
Expected<void> SqliteEngine::SetJournalMode() {
  const std::string& wanted = Option("journal");
  const auto mode = Execute(connection_.get(), fmt::format("PRAGMA journal_mode={}", wanted));
  if (!mode) return std::unexpected(mode.error());
  if (*mode == wanted) return {};
  return Fail(ErrorCode::kTargetFailed,
              fmt::format("journal mode is {} although {} was asked for", *mode, wanted));
}

Expected<void> SqliteEngine::Apply(const Transaction& transaction) {
  if (!commit_) {
    if (auto prepared = PrepareWriting(); !prepared) return prepared;
  }
  auto result = RunTransaction(transaction);
  if (!result && sqlite3_get_autocommit(connection_.get()) == 0) {
    static_cast<void>(Execute(connection_.get(), "ROLLBACK"));
  }
  return result;
}

Expected<void> SqliteEngine::RunTransaction(const Transaction& transaction) {
  if (auto done = RunStatement(connection_.get(), begin_.get()); !done) return done;
  for (const Change& change : transaction.changes) {
    if (auto done = RunChange(change); !done) return done;
  }
  return RunStatement(connection_.get(), commit_.get());
}

Expected<void> SqliteEngine::RunChange(const Change& change) {
  sqlite3_stmt* statement = change.value ? upsert_.get() : delete_.get();
  sqlite3_bind_blob64(statement, 1, change.key.data(), change.key.size(), SQLITE_STATIC);
  if (change.value) {
    sqlite3_bind_blob64(statement, 2, change.value->data(), change.value->size(), SQLITE_STATIC);
  }
  auto result = RunStatement(connection_.get(), statement);
  sqlite3_clear_bindings(statement);  // the bytes are the caller's
  return result;
}

std::span<const std::byte> Column(sqlite3_stmt* statement, int column) {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement, column));
  return {data, static_cast<size_t>(sqlite3_column_bytes(statement, column))};
}

Expected<void> SqliteEngine::Scan(PairVisitor& visitor) {
  if (!scan_) {  // another connection may have made the table since
    if (auto prepared = PrepareScan(); !prepared) return prepared;
    if (!scan_) return {};
  }
  sqlite3_stmt* statement = scan_.get();
  int code = sqlite3_step(statement);
  bool only_blobs = true;
  for (; code == SQLITE_ROW && only_blobs; code = sqlite3_step(statement)) {
    only_blobs = sqlite3_column_type(statement, 0) == SQLITE_BLOB &&
                 sqlite3_column_type(statement, 1) == SQLITE_BLOB;
    if (only_blobs) visitor.OnPair(Column(statement, 0), Column(statement, 1));
  }
  Expected<void> result;
  if (!only_blobs) {
    result = Fail(ErrorCode::kCorrupt, "the table holds something that is not a blob");
  } else if (code != SQLITE_DONE) {
    result = SqliteFailure(connection_.get());
  }
  sqlite3_reset(statement);
  return result;
}

// Sorts one line of PRAGMA integrity_check. The check goes on after the first finding and may put
// several lines into one row, under a headline that names the database.
void AddFinding(std::string_view line, CheckReport& report) {
  if (line.empty() || line == "ok" || line.starts_with("*** in database ")) return;
  const bool is_leak = line.starts_with("Page ") && line.ends_with(" is never used");
  (is_leak ? report.leaks : report.structure).emplace_back(line);
}

Expected<CheckReport> SqliteEngine::Check() {
  auto statement = PrepareStatement(connection_.get(), "PRAGMA integrity_check");
  if (!statement) return std::unexpected(statement.error());
  CheckReport report;
  int code = sqlite3_step(statement->get());
  for (; code == SQLITE_ROW; code = sqlite3_step(statement->get())) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement->get(), 0));
    std::string_view lines = text == nullptr ? "" : text;
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      AddFinding(line, report);
      lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    }
  }
  if (code == SQLITE_DONE) return report;
  // The check looks at the pages first, then at the rows, where it may stumble over what it has
  // just reported. The report says more than the stumbling.
  auto failure = SqliteFailure(connection_.get());
  if (failure.error().code != ErrorCode::kCorrupt || report.structure.empty()) return failure;
  report.structure.push_back(failure.error().context);
  return report;
}

Expected<void> SqliteEngine::Close() {
  for (SqliteStatement* statement : {&scan_, &begin_, &upsert_, &delete_, &commit_}) {
    statement->reset();
  }
  if (sqlite3_close(connection_.get()) != SQLITE_OK) return SqliteFailure(connection_.get());
  static_cast<void>(connection_.release());
  return {};
}

class SqliteEngineType final : public EngineType {
 public:
  std::string_view name() const override { return "sqlite"; }

  std::string_view description() const override {
    return "SQLite, the system's own library, with one table of keys and values";
  }

  const std::vector<OptionSpec>& options() const override { return options_; }

  std::string version() const override { return fmt::format("SQLite {}", sqlite3_libversion()); }

  std::unique_ptr<Engine> Create(Vfs& vfs, const EngineOptions& options) const override {
    return std::make_unique<SqliteEngine>(vfs, options);
  }

  std::string RoleOf(std::string_view path) const override {
    if (path == kFileName) return "store";
    if (path.ends_with("-journal")) return "journal";
    if (path.ends_with("-wal")) return "log";
    return "other";
  }

  std::string Retell(const RecoveryStory& story) const override {
    return RetellSqlite(story, kFileName);
  }

 private:
  const std::vector<OptionSpec> options_ = {
      {.name = "journal",
       .values = {"delete", "truncate", "persist", "wal", "memory", "off"},
       .default_value = "delete",
       .help = "PRAGMA journal_mode: where old or new pages wait until a commit is decided"},
      {.name = "sync",
       .values = {"off", "normal", "full", "extra"},
       .default_value = "full",
       .help = "PRAGMA synchronous: how much is synced before a commit is acknowledged"},
      {.name = "page_size",
       .values = {"512", "1024", "2048", "4096", "8192", "16384"},
       .default_value = "4096",
       .help = "PRAGMA page_size of a new store, in bytes"},
      {.name = "checkpoint",
       .values = {},
       .default_value = "32",
       .help = "PRAGMA wal_autocheckpoint: frames in the WAL before it is copied back; 0: never",
       .minimum = 0,
       .maximum = 100'000},
      {.name = "locking",
       .values = {"normal", "exclusive"},
       .default_value = "normal",
       .help = "PRAGMA locking_mode: exclusive keeps the lock, and journals, between transactions"},
  };
};

}  // namespace

const EngineType& SqliteType() {
  static const SqliteEngineType type;
  return type;
}

}  // namespace plugpull
