// Goal: SqliteVfs issues the operations that SQLite's own unix VFS issues, the same calls on the
// same files in the same order, with the same offsets and lengths.
// Method: each scenario runs twice, over SqliteVfs on a recorder and over "unix" in a temporary
// directory, where the system calls of libsqlite3 are logged on their way to the kernel. The two
// lists must be equal, and so must the answers of SQLite. Payload bytes are not compared: they hold
// random numbers.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "engine/sqlite/sqlite_environment.h"
#include "engine/sqlite/sqlite_system_calls.h"
#include "engine/sqlite/sqlite_vfs.h"
#include "faults/base/assert.h"
#include "faults/inject/failing_vfs.h"
#include "faults/inject/failure_injector.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull {
namespace {

using Lines = std::vector<std::string>;

// Super-journals have a random part in their names.
std::string WithoutRandomName(std::string line) {
  constexpr std::string_view kMark = "-mj";
  const size_t at = line.find(kMark);
  if (at == std::string::npos) return line;
  const size_t end = std::min(line.find(' ', at), line.size());
  return line.replace(at + kMark.size(), end - at - kMark.size(), "*");
}

// One of the two worlds that a scenario runs in. It has two connections, 0 and 1.
class World {
 public:
  virtual ~World() = default;

  void Open(size_t which = 0) {
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const std::string path = directory() + "/test.db";
    const int code = sqlite3_open_v2(path.c_str(), &connections_[which], kFlags, vfs_name());
    answers_.push_back(fmt::format("open: {}", code));
  }

  // Runs `sql` and notes what SQLite answers. "$" stands for the directory.
  void Run(const std::string& text, size_t which = 0) {
    std::string sql = text;
    for (size_t at = sql.find('$'); at != std::string::npos; at = sql.find('$')) {
      sql.replace(at, 1, directory());
    }
    const auto add_row = [](void* answers, int count, char** values, char**) {
      for (int i = 0; i < count; ++i) {
        static_cast<Lines*>(answers)->emplace_back(values[i] == nullptr ? "null" : values[i]);
      }
      return 0;
    };
    const int code = sqlite3_exec(connections_[which], sql.c_str(), add_row, &answers_, nullptr);
    answers_.push_back(fmt::format("{:.40}: {}", text, code));
  }

  // Makes the database grow and shrink in steps, which is off unless an application asks for it.
  void SetChunkBytes(int chunk_bytes) {
    const int code =
        sqlite3_file_control(connections_[0], "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk_bytes);
    answers_.push_back(fmt::format("chunk size: {}", code));
  }

  void Close(size_t which = 0) {
    answers_.push_back(fmt::format("close: {}", sqlite3_close(connections_[which])));
    connections_[which] = nullptr;
  }

  // The process dies with its connections open and starts again with none.
  virtual void Crash() = 0;

  virtual Lines Operations() = 0;
  const Lines& answers() const { return answers_; }

 protected:
  virtual std::string directory() const = 0;
  virtual const char* vfs_name() const = 0;

  void Abandon() {
    for (sqlite3*& connection : connections_) {
      sqlite3_close(connection);
      connection = nullptr;
    }
  }

 private:
  std::array<sqlite3*, 2> connections_{};
  Lines answers_;
};

// Real files. A crash leaves the present directory to the dying process and goes on in a copy.
class RealWorld final : public World {
 public:
  RealWorld() {
    std::string pattern = (std::filesystem::temp_directory_path() / "plugpull-XXXXXX").string();
    Assert(mkdtemp(pattern.data()) != nullptr, "a temporary directory can be made");
    root_ = pattern;
    std::filesystem::create_directory(directory());
    log_.emplace(directory());
  }

  ~RealWorld() override {
    log_.reset();
    Abandon();
    std::filesystem::remove_all(root_);
  }

  void Crash() override {
    CollectLog();
    const std::string dying = directory();
    ++generation_;
    std::filesystem::copy(dying, directory());
    Abandon();
    log_.emplace(directory());
  }

  Lines Operations() override {
    CollectLog();
    return operations_;
  }

  std::string directory() const override { return fmt::format("{}/{}", root_, generation_); }

 private:
  const char* vfs_name() const override { return "unix"; }

  void CollectLog() {
    for (const std::string& line : log_->lines()) operations_.push_back(WithoutRandomName(line));
    log_.reset();
  }

  std::string root_;
  int generation_ = 0;
  std::optional<SystemCallLog> log_;
  Lines operations_;
};

// Ours. Everything is in a directory whose name is as long as that of the real one, because SQLite
// writes paths into super-journals.
class RecordedWorld final : public World {
 public:
  explicit RecordedWorld(size_t directory_length) : directory_(directory_length, 'd') {
    Assert(recorder_.MakeDirectory(directory_).has_value(), "a directory can be made");
    vfs_ = std::make_unique<SqliteVfs>(recorder_);
  }

  ~RecordedWorld() override {
    vfs_->Kill();
    Abandon();
  }

  void Crash() override {
    vfs_->Kill();
    Abandon();
    vfs_ = std::make_unique<SqliteVfs>(recorder_);
  }

  Lines Operations() override {
    Lines lines;
    std::map<InodeId, std::string> names;
    for (const Op& op : recorder_.trace().ops) {
      if (op.result_errno != 0) continue;
      if (op.kind == OpKind::kCreate) names[op.inode] = op.name;
      lines.push_back(WithoutRandomName(Line(op, names[op.inode])));
    }
    lines.erase(lines.begin());  // the directory itself
    return lines;
  }

 private:
  static std::string Line(const Op& op, const std::string& name) {
    switch (op.kind) {
      case OpKind::kCreate:
        return fmt::format("create {}", name);
      case OpKind::kWrite:
        return fmt::format("write {} {}+{}", name, op.offset_bytes, op.size_bytes);
      case OpKind::kTruncate:
        return fmt::format("truncate {} {}", name, op.size_bytes);
      case OpKind::kSync:
        return fmt::format("fsync {}", name);
      case OpKind::kDataSync:
        return fmt::format("fdatasync {}", name);
      case OpKind::kSyncDirectory:
        return "fdatasync the directory";
      case OpKind::kUnlink:
        return fmt::format("unlink {}", op.name);
      case OpKind::kRename:
      case OpKind::kLink:
      case OpKind::kMakeDirectory:
      case OpKind::kRemoveDirectory:
      case OpKind::kBegin:
      case OpKind::kAcknowledge:
      case OpKind::kSymlink:
      case OpKind::kCreateUnnamed:
      case OpKind::kExchange:
      case OpKind::kAllocate:
      case OpKind::kClone:
      case OpKind::kSetAttribute:
      case OpKind::kSetXattr:
      case OpKind::kRemoveXattr:
      case OpKind::kSyncWrite:
      case OpKind::kSyncRange:
      case OpKind::kSyncMapped:
      case OpKind::kSyncAll:
      case OpKind::kUnmodelled:
        break;
    }
    return Name(op.kind);
  }

  std::string directory() const override { return directory_; }
  const char* vfs_name() const override { return vfs_->name(); }

  MemoryVfs memory_;
  FailingVfs failing_{memory_};
  RecordingVfs recorder_{failing_};  // without what a file system does of itself
  std::string directory_;
  std::unique_ptr<SqliteVfs> vfs_;
};

// Shows where two lists part, with what came before.
std::string FirstDifference(const Lines& ours, const Lines& real) {
  size_t at = 0;
  while (at < ours.size() && at < real.size() && ours[at] == real[at]) ++at;
  std::string text =
      fmt::format("at line {} of {} (ours) and {} (unix)\n", at, ours.size(), real.size());
  for (size_t i = at < 5 ? 0 : at - 5; i < at; ++i) text += fmt::format("  both  {}\n", ours[i]);
  for (size_t i = at; i < std::min(at + 5, ours.size()); ++i) {
    text += fmt::format("  ours  {}\n", ours[i]);
  }
  for (size_t i = at; i < std::min(at + 5, real.size()); ++i) {
    text += fmt::format("  unix  {}\n", real[i]);
  }
  return text;
}

void ExpectSameOperations(const std::function<void(World&)>& scenario, size_t at_least) {
  RealWorld real;
  RecordedWorld ours(real.directory().size());
  scenario(real);
  const Lines real_operations = real.Operations();
  scenario(ours);
  const Lines our_operations = ours.Operations();
  EXPECT_TRUE(our_operations == real_operations)
      << FirstDifference(our_operations, real_operations);
  EXPECT_TRUE(ours.answers() == real.answers()) << FirstDifference(ours.answers(), real.answers());
  EXPECT_GE(real_operations.size(), at_least);
}

// SQL that makes `count` rows with keys from `first` on and values of `value_bytes` bytes.
std::string Insert(int first, int count, int value_bytes) {
  return fmt::format(
      "WITH RECURSIVE n(i) AS (VALUES({0}) UNION ALL SELECT i+1 FROM n WHERE i<{0}+{1}-1) "
      "INSERT INTO kv SELECT CAST(printf('key-%05d',i) AS BLOB), zeroblob({2}) FROM n",
      first, count, value_bytes);
}

struct Settings {
  std::string journal;
  std::string sync;
  std::string locking;
  int page_size;
};

void Configure(World& world, const Settings& settings, size_t which = 0) {
  world.Run(fmt::format("PRAGMA page_size={}", settings.page_size), which);
  world.Run(fmt::format("PRAGMA locking_mode={}", settings.locking), which);
  world.Run(fmt::format("PRAGMA synchronous={}", settings.sync), which);
  world.Run(fmt::format("PRAGMA journal_mode={}", settings.journal), which);
  world.Run("PRAGMA wal_autocheckpoint=8", which);
  world.Run("PRAGMA cache_size=8", which);  // small: large transactions spill before they commit
}

// The parameter is the journal mode; each test goes through all other settings.
class SqliteFidelityTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { PrepareSqlite(); }

  // Runs `scenario` for each combination of settings. Requires: it does at least `at_least`
  // operations; fewer would say that the scenario, or the log of it, does not work.
  static void ForAllSettings(const std::function<void(World&, const Settings&)>& scenario,
                             size_t at_least) {
    for (const char* sync : {"off", "normal", "full", "extra"}) {
      for (const char* locking : {"normal", "exclusive"}) {
        for (const int page_size : {512, 4096}) {
          const Settings settings = {GetParam(), sync, locking, page_size};
          SCOPED_TRACE(fmt::format("sync={} locking={} page_size={}", sync, locking, page_size));
          ExpectSameOperations([&](World& world) { scenario(world, settings); }, at_least);
        }
      }
    }
  }
};

TEST_P(SqliteFidelityTest, TransactionsOfAllSizes) {
  ForAllSettings(
      [](World& world, const Settings& settings) {
        world.Open();
        Configure(world, settings);
        world.Run("CREATE TABLE kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
        world.Run(Insert(0, 1, 10));
        world.Run("BEGIN IMMEDIATE");
        for (int i = 1; i < 20; ++i) world.Run(Insert(i, 1, i * 20));
        world.Run("COMMIT");
        world.Run(Insert(100, 3, 30'000));
        world.Run(Insert(200, 200, 300));
        world.Run("BEGIN");
        world.Run("UPDATE kv SET v=zeroblob(700)");
        world.Run("ROLLBACK");
        world.Run("BEGIN; UPDATE kv SET v=zeroblob(600) WHERE k<CAST('key-00210' AS BLOB)");
        world.Run("SAVEPOINT s; UPDATE kv SET v=zeroblob(500); ROLLBACK TO s");
        world.Run(Insert(399, 2, 50));
        world.Run(Insert(398, 2, 50));  // fails at its first row
        world.Run(Insert(396, 5, 50));  // fails late, so that a statement journal is played back
        world.Run("COMMIT");
        world.Run("DELETE FROM kv WHERE k>CAST('key-00150' AS BLOB)");
        world.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        world.Run(Insert(500, 40, 200));
        world.Run("PRAGMA wal_checkpoint(RESTART)");
        world.Run("VACUUM");
        world.Run("PRAGMA integrity_check");
        world.Close();
        world.Open();
        Configure(world, settings);
        world.Run(Insert(600, 5, 100));
        world.Run("SELECT count(*), sum(length(v)) FROM kv");
        world.Close();
      },
      100);
}

TEST_P(SqliteFidelityTest, RecoveryAfterACrashInATransaction) {
  ForAllSettings(
      [](World& world, const Settings& settings) {
        for (const bool configure_first : {true, false}) {
          world.Open();
          Configure(world, settings);
          world.Run("CREATE TABLE IF NOT EXISTS kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
          world.Run("DELETE FROM kv");
          world.Run(Insert(0, 100, 300));
          world.Run("BEGIN; UPDATE kv SET v=zeroblob(1000)");
          world.Crash();
          world.Open();
          if (configure_first) Configure(world, settings);
          world.Run("SELECT count(*), sum(length(v)) FROM kv");
          world.Run(Insert(200, 10, 100));
          world.Run("PRAGMA integrity_check");
          world.Close();
        }
      },
      50);
}

TEST_P(SqliteFidelityTest, TwoConnections) {
  ForAllSettings(
      [](World& world, const Settings& settings) {
        world.Open(0);
        Configure(world, settings, 0);
        world.Run("CREATE TABLE kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID", 0);
        world.Run(Insert(0, 10, 100), 0);
        world.Open(1);
        Configure(world, settings, 1);
        world.Run("BEGIN; SELECT count(*) FROM kv", 1);
        world.Run("BEGIN IMMEDIATE", 0);
        world.Run(Insert(100, 100, 300), 0);
        world.Run("COMMIT", 0);  // busy in the rollback modes
        world.Run("SELECT count(*) FROM kv", 1);
        world.Run("BEGIN IMMEDIATE", 1);
        world.Run("PRAGMA wal_checkpoint", 0);  // cannot go past the reader
        world.Run("COMMIT", 1);
        world.Run("COMMIT", 0);
        world.Run(Insert(300, 100, 300), 1);
        world.Run("PRAGMA wal_checkpoint(TRUNCATE)", 0);
        world.Run("SELECT count(*) FROM kv", 0);
        world.Close(0);
        world.Run(Insert(500, 10, 300), 1);
        world.Close(1);
      },
      20);
}

TEST_P(SqliteFidelityTest, SuperJournal) {
  ForAllSettings(
      [](World& world, const Settings& settings) {
        world.Open();
        Configure(world, settings);
        world.Run("CREATE TABLE kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
        world.Run("ATTACH '$/other.db' AS other");
        world.Run("CREATE TABLE other.t(x)");
        world.Run("BEGIN; INSERT INTO other.t VALUES(1)");
        world.Run(Insert(0, 10, 100));
        world.Run("COMMIT");
        world.Close();
      },
      8);
}

// Calls fail in both worlds, by the same plan: the library's own loops are what ours must equal.
TEST_P(SqliteFidelityTest, FailingCalls) {
  std::vector<std::string> plans;
  for (const int call : {1, 2, 3, 5, 8, 13, 21, 34}) {
    for (const char* failure : {"errno=EINTR", "errno=EIO", "errno=ENOSPC", "errno=EDQUOT",
                                "short=1", "short=100,then=always"}) {
      plans.push_back(fmt::format("fail(point=vfs/write,call={},{})", call, failure));
    }
    for (const char* failure : {"errno=EINTR", "errno=EIO", "errno=ENOSPC,then=always"}) {
      plans.push_back(fmt::format("fail(point=vfs/sync,call={},{})", call, failure));
    }
    plans.push_back(fmt::format("fail(point=vfs/sync_directory,call={},errno=EIO)", call));
    plans.push_back(fmt::format("fail(point=vfs/unlink,call={},errno=EIO)", call));
    plans.push_back(fmt::format("fail(point=vfs/unlink,call={},errno=EACCES,then=always)", call));
    plans.push_back(fmt::format("fail(point=vfs/truncate,call={},errno=EIO)", call));
    plans.push_back(fmt::format("fail(point=vfs/truncate,call={},errno=EINTR)", call));
  }
  const Settings settings = {GetParam(), "extra", "normal", 4096};
  size_t fired = 0;
  for (const std::string& plan : plans) {
    SCOPED_TRACE(plan);
    std::vector<uint64_t> failures;
    ExpectSameOperations(
        [&](World& world) {
          FailureInjector injector(*ParseFailurePlan(plan));
          world.Open();
          Configure(world, settings);
          world.Run("CREATE TABLE kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
          world.Run(Insert(0, 3, 10));
          world.Run(Insert(10, 2, 9000));
          world.Run("DELETE FROM kv WHERE k<CAST('key-00011' AS BLOB)");
          world.Run(Insert(20, 4, 500));
          world.Run("SELECT count(*) FROM kv");
          failures.push_back(injector.failures());
        },
        1);
    EXPECT_EQ(failures[0], failures[1]);
    if (failures[0] > 0) ++fired;
  }
  EXPECT_GE(fired, 10U);
}

TEST_P(SqliteFidelityTest, GrowthInChunks) {
  ForAllSettings(
      [](World& world, const Settings& settings) {
        world.Open();
        world.SetChunkBytes(50'000);
        Configure(world, settings);
        world.Run("CREATE TABLE kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
        world.Run(Insert(0, 50, 3000));
        world.Run("DELETE FROM kv WHERE k>CAST('key-00020' AS BLOB)");
        world.Run("VACUUM");
        world.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        world.Close();
      },
      20);
}

INSTANTIATE_TEST_SUITE_P(Journal, SqliteFidelityTest,
                         testing::Values("delete", "truncate", "persist", "wal", "memory", "off"),
                         [](const testing::TestParamInfo<const char*>& test) {
                           return std::string(test.param);
                         });

}  // namespace
}  // namespace plugpull
