// Goal: processes on one Vfs exclude each other as SQLite expects, the dead touch nothing, and one
// Vfs knows nothing of another.
#include "engine/sqlite/sqlite_vfs.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/sqlite/sqlite_connection.h"
#include "engine/sqlite/sqlite_database_state.h"
#include "engine/sqlite/sqlite_environment.h"
#include "engine/sqlite/sqlite_test_support.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

// A process with one connection. Leaves the scene without a word, as if killed.
class Process {
 public:
  explicit Process(Vfs& vfs) : vfs_(vfs), connection_(OpenSqlite("test.db", vfs_.name()).value()) {}
  ~Process() { vfs_.Kill(); }

  // Returns: the first value, or the text of the error.
  std::string Run(std::string_view sql) {
    auto result = Execute(connection_.get(), sql);
    return result ? *result : result.error().context;
  }

  sqlite3* connection() { return connection_.get(); }

 private:
  SqliteVfs vfs_;
  SqliteConnection connection_;
};

constexpr const char* kBusy = "database is locked (SQLITE_BUSY)";

TEST(SqliteVfsTest, RollbackModeHasOneWriterAndNoReadersAtTheCommit) {
  MemoryVfs vfs;
  Process first(vfs);
  Process second(vfs);
  EXPECT_EQ(first.Run("CREATE TABLE t(x)"), "");
  EXPECT_EQ(second.Run("BEGIN"), "");
  EXPECT_EQ(second.Run("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(first.Run("BEGIN IMMEDIATE"), "");
  EXPECT_EQ(first.Run("INSERT INTO t VALUES(1)"), "");
  EXPECT_EQ(second.Run("INSERT INTO t VALUES(2)"), kBusy);
  EXPECT_EQ(first.Run("COMMIT"), kBusy);
  {
    Process third(vfs);  // the waiting writer admits no new reader
    EXPECT_EQ(third.Run("SELECT count(*) FROM t"), kBusy);
  }
  EXPECT_EQ(second.Run("COMMIT"), "");
  EXPECT_EQ(first.Run("COMMIT"), "");
  EXPECT_EQ(second.Run("SELECT count(*) FROM t"), "1");
}

TEST(SqliteVfsTest, WalReadersKeepTheirSnapshot) {
  MemoryVfs vfs;
  Process writer(vfs);
  Process reader(vfs);
  EXPECT_EQ(writer.Run("PRAGMA journal_mode=wal"), "wal");
  EXPECT_EQ(writer.Run("CREATE TABLE t(x)"), "");
  EXPECT_EQ(reader.Run("BEGIN"), "");
  EXPECT_EQ(reader.Run("SELECT count(*) FROM t"), "0");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(writer.Run("INSERT INTO t VALUES(zeroblob(3000))"), "");
  EXPECT_EQ(writer.Run("PRAGMA wal_checkpoint(TRUNCATE)"), "1");  // busy: the reader needs it
  EXPECT_EQ(reader.Run("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(reader.Run("COMMIT"), "");
  EXPECT_EQ(reader.Run("SELECT count(*) FROM t"), "20");
  EXPECT_EQ(writer.Run("BEGIN IMMEDIATE"), "");
  EXPECT_EQ(reader.Run("INSERT INTO t VALUES(1)"), kBusy);
  EXPECT_EQ(writer.Run("COMMIT"), "");
  EXPECT_EQ(writer.Run("PRAGMA wal_checkpoint(TRUNCATE)"), "0");
}

TEST(SqliteVfsTest, LocksAndSharedMemoryGoWithTheProcess) {
  MemoryVfs vfs;
  {
    Process holder(vfs);
    EXPECT_EQ(holder.Run("PRAGMA journal_mode=wal"), "wal");
    EXPECT_EQ(holder.Run("CREATE TABLE t(x)"), "");
    EXPECT_EQ(holder.Run("BEGIN EXCLUSIVE"), "");
    EXPECT_EQ(LiveDatabaseStates(), 1U);
  }
  EXPECT_EQ(LiveDatabaseStates(), 0U);
  Process next(vfs);
  EXPECT_EQ(next.Run("INSERT INTO t VALUES(1)"), "");
}

TEST(SqliteVfsTest, OneVfsKnowsNothingOfAnother) {
  MemoryVfs one;
  MemoryVfs other;
  Process first(one);
  Process second(other);
  EXPECT_EQ(first.Run("BEGIN EXCLUSIVE"), "");
  EXPECT_EQ(second.Run("BEGIN EXCLUSIVE"), "");
  EXPECT_EQ(LiveDatabaseStates(), 2U);
}

// Counts every call that reaches the Vfs, reads included.
class CountingVfs final : public Vfs {
 public:
  explicit CountingVfs(Vfs& inner) : inner_(inner) {}
  int count() const { return count_; }

  Expected<std::unique_ptr<VfsFile>> Open(std::string_view path, OpenOptions options) override {
    ++count_;
    auto file = inner_.Open(path, options);
    if (!file) return file;
    return std::make_unique<File>(std::move(*file), count_);
  }
  Expected<void> Unlink(std::string_view path) override { return ++count_, inner_.Unlink(path); }
  Expected<void> Rename(std::string_view from, std::string_view to) override {
    return ++count_, inner_.Rename(from, to);
  }
  Expected<void> Link(std::string_view existing, std::string_view added) override {
    return ++count_, inner_.Link(existing, added);
  }
  Expected<void> MakeDirectory(std::string_view path) override {
    return ++count_, inner_.MakeDirectory(path);
  }
  Expected<void> RemoveDirectory(std::string_view path) override {
    return ++count_, inner_.RemoveDirectory(path);
  }
  Expected<void> SyncDirectory(std::string_view path) override {
    return ++count_, inner_.SyncDirectory(path);
  }
  Expected<bool> Exists(std::string_view path) override { return ++count_, inner_.Exists(path); }
  Expected<std::vector<std::string>> List(std::string_view path) override {
    return ++count_, inner_.List(path);
  }

 private:
  class File final : public VfsFile {
   public:
    File(std::unique_ptr<VfsFile> inner, int& count) : inner_(std::move(inner)), count_(count) {}
    Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
      return ++count_, inner_->Read(offset_bytes, out);
    }
    Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
      return ++count_, inner_->Write(offset_bytes, data);
    }
    Expected<void> Truncate(uint64_t size_bytes) override {
      return ++count_, inner_->Truncate(size_bytes);
    }
    Expected<void> Sync(SyncKind kind) override { return ++count_, inner_->Sync(kind); }
    Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
      return inner_->SyncRange(offset_bytes, size_bytes);
    }
    Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
      return inner_->Allocate(offset_bytes, size_bytes);
    }
    Expected<uint64_t> Size() override { return ++count_, inner_->Size(); }
    Expected<bool> Lock(LockLevel level) override { return ++count_, inner_->Lock(level); }

   private:
    std::unique_ptr<VfsFile> inner_;
    int& count_;
  };

  Vfs& inner_;
  int count_ = 0;
};

TEST(SqliteVfsTest, TheDeadTouchNothing) {
  for (const char* journal : {"delete", "truncate", "persist", "wal", "memory", "off"}) {
    for (const char* locking : {"normal", "exclusive"}) {
      MemoryVfs memory;
      CountingVfs vfs(memory);
      int before = 0;
      {
        Process process(vfs);
        EXPECT_EQ(process.Run(fmt::format("PRAGMA locking_mode={}", locking)), locking);
        EXPECT_EQ(process.Run(fmt::format("PRAGMA journal_mode={}", journal)), journal);
        EXPECT_EQ(process.Run("PRAGMA cache_size=2"), "");
        EXPECT_EQ(process.Run("CREATE TABLE t(x)"), "");
        EXPECT_EQ(process.Run("INSERT INTO t VALUES(zeroblob(20000))"), "");
        EXPECT_EQ(process.Run("BEGIN"), "");
        EXPECT_EQ(process.Run("UPDATE t SET x=zeroblob(30000)"), "");
        before = vfs.count();
      }
      EXPECT_EQ(vfs.count(), before) << journal << " " << locking;
      EXPECT_EQ(LiveDatabaseStates(), 0U);
    }
  }
}

TEST(SqliteVfsTest, TemporaryFilesStayOffTheVfs) {
  MemoryVfs vfs;
  Process process(vfs);
  EXPECT_EQ(process.Run("PRAGMA temp_store=file"), "");
  EXPECT_EQ(process.Run("PRAGMA cache_size=2"), "");
  EXPECT_EQ(process.Run("CREATE TEMP TABLE t(x)"), "");
  EXPECT_EQ(process.Run("INSERT INTO t VALUES(zeroblob(300000))"), "");
  EXPECT_EQ(process.Run("SELECT length(x) FROM t"), "300000");
  EXPECT_EQ(vfs.List("").value(), std::vector<std::string>{"test.db"});
}

TEST(SqliteVfsTest, FileControlsAnswerAsOnUnix) {
  MemoryVfs vfs;
  Process process(vfs);
  const auto control = [&](int operation, void* argument) {
    return sqlite3_file_control(process.connection(), "main", operation, argument);
  };
  int number = -1;
  EXPECT_EQ(control(SQLITE_FCNTL_LOCKSTATE, &number), SQLITE_OK);
  EXPECT_EQ(number, SQLITE_LOCK_NONE);
  number = -1;
  EXPECT_EQ(control(SQLITE_FCNTL_PERSIST_WAL, &number), SQLITE_OK);
  EXPECT_EQ(number, 0);
  number = -1;
  EXPECT_EQ(control(SQLITE_FCNTL_POWERSAFE_OVERWRITE, &number), SQLITE_OK);
  EXPECT_EQ(number, 1);
  EXPECT_EQ(control(SQLITE_FCNTL_HAS_MOVED, &number), SQLITE_OK);
  EXPECT_EQ(number, 0);
  ASSERT_TRUE(vfs.Unlink("test.db"));
  EXPECT_EQ(control(SQLITE_FCNTL_HAS_MOVED, &number), SQLITE_OK);
  EXPECT_EQ(number, 1);
  EXPECT_EQ(control(SQLITE_FCNTL_COMMIT_PHASETWO, nullptr), SQLITE_NOTFOUND);
}

TEST(SqliteVfsTest, TheDeviceIsTheOneThatUnixShows) {
  MemoryVfs vfs;
  Process process(vfs);
  sqlite3_file* file = nullptr;
  ASSERT_EQ(sqlite3_file_control(process.connection(), "main", SQLITE_FCNTL_FILE_POINTER, &file),
            0);
  EXPECT_EQ(file->pMethods->xSectorSize(file), 4096);
  EXPECT_EQ(file->pMethods->xDeviceCharacteristics(file), SQLITE_IOCAP_POWERSAFE_OVERWRITE);
}

TEST(SqliteVfsTest, AnEmptyFileCountsAsAbsent) {
  MemoryVfs memory;
  SqliteVfs vfs(memory);
  sqlite3_vfs* raw = sqlite3_vfs_find(vfs.name());
  const auto exists = [raw](int flags) {
    int answer = -1;
    EXPECT_EQ(raw->xAccess(raw, "file", flags, &answer), SQLITE_OK);
    return answer;
  };
  EXPECT_EQ(exists(SQLITE_ACCESS_EXISTS), 0);
  const auto file = memory.Open("file", OpenOptions{.create = true}).value();
  EXPECT_EQ(exists(SQLITE_ACCESS_EXISTS), 0);
  EXPECT_EQ(exists(SQLITE_ACCESS_READWRITE), 1);
  const std::byte byte{1};
  ASSERT_TRUE(file->Write(0, {&byte, 1}));
  EXPECT_EQ(exists(SQLITE_ACCESS_EXISTS), 1);
}

// A process that comes after another must not repeat its random numbers, or the remnants of one
// journal would pass for the other's.
TEST(SqliteVfsTest, RandomNumbersFollowTheHistoryOfTheStore) {
  MemoryVfs vfs;
  const auto draw = [&vfs](std::string_view sql) {
    RestartRandomness();
    Process process(vfs);
    process.Run(sql);
    return process.Run("SELECT hex(randomblob(16))");
  };
  const std::string fresh = draw("CREATE TABLE IF NOT EXISTS t(x)");
  const std::string later = draw("SELECT * FROM t");
  EXPECT_NE(fresh, later);
  EXPECT_EQ(draw("SELECT * FROM t"), later);
  Process(vfs).Run("INSERT INTO t VALUES(1)");
  EXPECT_NE(draw("SELECT * FROM t"), later);
}

}  // namespace
}  // namespace plugpull
