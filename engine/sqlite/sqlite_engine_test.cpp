// Goal: the engine keeps the contract of engine.h with real SQLite behind it: contents, recovery,
// errors on any bytes whatever, determinism.
#include "engine/sqlite/sqlite_engine.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "engine/sqlite/sqlite_connection.h"
#include "engine/sqlite/sqlite_test_support.h"
#include "engine/sqlite/sqlite_vfs.h"
#include "faults/base/random.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

Transaction RandomTransaction(Random& random) {
  Transaction transaction;
  const uint64_t change_count = random.Below(6);
  for (uint64_t i = 0; i < change_count; ++i) {
    Change change = {fmt::format("key-{}", random.Below(30)), std::nullopt};
    if (!random.OneIn(1, 4)) {
      const uint64_t most_bytes = random.OneIn(1, 8) ? 20'000 : 300;
      change.value = std::string(random.Below(most_bytes), static_cast<char>(random.Below(256)));
    }
    transaction.changes.push_back(change);
  }
  return transaction;
}

void ApplyToModel(const Transaction& transaction, Pairs& model) {
  for (const Change& change : transaction.changes) {
    if (change.value) {
      model[change.key] = *change.value;
    } else {
      model.erase(change.key);
    }
  }
}

std::unique_ptr<Engine> OpenEngine(Vfs& vfs, const EngineOptions& changes = {}) {
  auto engine = SqliteType().Create(vfs, SqliteOptions(changes));
  const auto opened = engine->Open();
  EXPECT_TRUE(opened) << opened.error().context;
  return engine;
}

void ExpectSound(Engine& engine) {
  const auto report = engine.Check();
  ASSERT_TRUE(report) << report.error().context;
  EXPECT_TRUE(report->structure.empty()) << report->structure.front();
  EXPECT_TRUE(report->leaks.empty()) << report->leaks.front();
}

// A store with a few transactions in it, abandoned without Close.
Image AbandonedStore(const EngineOptions& changes, Pairs& model, int transaction_count = 12) {
  MemoryVfs vfs;
  const auto engine = OpenEngine(vfs, changes);
  Random random(7);
  for (int i = 0; i < transaction_count; ++i) {
    const Transaction transaction = RandomTransaction(random);
    EXPECT_TRUE(engine->Apply(transaction));
    ApplyToModel(transaction, model);
  }
  return vfs.image();
}

class SqliteJournalTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Journal, SqliteJournalTest,
                         testing::Values("delete", "truncate", "persist", "wal", "memory", "off"),
                         [](const testing::TestParamInfo<const char*>& test) {
                           return std::string(test.param);
                         });

TEST_P(SqliteJournalTest, AgreesWithAModelAcrossReopens) {
  for (const char* locking : {"normal", "exclusive"}) {
    MemoryVfs vfs;
    Random random(1, locking);
    Pairs model;
    const EngineOptions options = {
        {"journal", GetParam()}, {"locking", locking}, {"checkpoint", "8"}, {"page_size", "1024"}};
    for (int round = 0; round < 12; ++round) {
      const auto engine = OpenEngine(vfs, options);
      EXPECT_EQ(ContentsOf(*engine).value(), model);
      ExpectSound(*engine);
      for (uint64_t left = random.Below(8); left > 0; --left) {
        const Transaction transaction = RandomTransaction(random);
        const auto applied = engine->Apply(transaction);
        ASSERT_TRUE(applied) << applied.error().context;
        ApplyToModel(transaction, model);
        EXPECT_EQ(ContentsOf(*engine).value(), model);
      }
      if (random.OneIn(1, 2)) {
        EXPECT_TRUE(engine->Close());
      }
    }
  }
}

TEST_P(SqliteJournalTest, TheSameWorkloadGivesTheSameOperations) {
  const auto record = [] {
    MemoryVfs memory;
    RecordingVfs recorder(memory);
    Random random(3);
    for (int round = 0; round < 3; ++round) {
      const auto engine = OpenEngine(recorder, {{"journal", GetParam()}});
      for (int i = 0; i < 10; ++i) EXPECT_TRUE(engine->Apply(RandomTransaction(random)));
      if (round == 1) {
        EXPECT_TRUE(engine->Close());
      }
    }
    return recorder.trace();
  };
  const Trace first = record();
  EXPECT_GT(first.ops.size(), 50U);
  EXPECT_TRUE(first == record());
}

TEST_P(SqliteJournalTest, DestructionWithoutCloseChangesNothing) {
  MemoryVfs vfs;
  Image before;
  {
    const auto engine = OpenEngine(vfs, {{"journal", GetParam()}});
    Random random(5);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(engine->Apply(RandomTransaction(random)));
    before = vfs.image();
  }
  EXPECT_TRUE(vfs.image().LooksLike(before));
}

// Cuts a file, or writes garbage into it, preferably near its header.
void Damage(VfsFile& file, Random& random) {
  const uint64_t size_bytes = file.Size().value();
  if (size_bytes == 0) return;
  if (random.OneIn(1, 4)) {
    ASSERT_TRUE(file.Truncate(random.Below(size_bytes)));
  }
  for (uint64_t left = random.Below(4); left > 0; --left) {
    std::array<std::byte, 16> garbage{};
    for (std::byte& byte : garbage) byte = static_cast<std::byte>(random.Below(256));
    ASSERT_TRUE(file.Write(random.Below(random.OneIn(1, 2) ? 100 : size_bytes), garbage));
  }
}

// Returns: whether everything that can be done with a store goes well.
bool IsUsable(Engine& engine, const Transaction& transaction) {
  if (!engine.Open()) return false;
  const auto report = engine.Check();
  const auto contents = ContentsOf(engine);
  const auto applied = engine.Apply(transaction);
  return report && report->structure.empty() && contents && applied;
}

TEST_P(SqliteJournalTest, DamagedBytesGiveErrorsAndNeverACrash) {
  Pairs model;
  const Image image = AbandonedStore({{"journal", GetParam()}, {"page_size", "512"}}, model);
  Random random(11);
  int unusable_count = 0;
  for (int round = 0; round < 400; ++round) {
    MemoryVfs vfs(image);
    const std::vector<std::string> names = vfs.List("").value();
    for (const std::string& name : names) Damage(*vfs.Open(name, OpenOptions{}).value(), random);
    const auto engine = SqliteType().Create(vfs, SqliteOptions({{"journal", GetParam()}}));
    if (!IsUsable(*engine, RandomTransaction(random))) ++unusable_count;
  }
  EXPECT_GT(unusable_count, 50) << "the damage does not reach SQLite";
}

TEST(SqliteEngineTest, AFreshStoreIsEmptyAndOnlyTheFirstTransactionWrites) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  const auto engine = OpenEngine(recorder);
  EXPECT_EQ(ContentsOf(*engine).value(), Pairs());
  ExpectSound(*engine);
  ASSERT_EQ(recorder.trace().ops.size(), 1U);
  EXPECT_EQ(recorder.trace().ops[0].kind, OpKind::kCreate);
  ASSERT_TRUE(engine->Apply({{{"k", ""}, {"", "v"}, {"k", "again"}}}));
  EXPECT_EQ(ContentsOf(*engine).value(), (Pairs{{"k", "again"}, {"", "v"}}));
}

TEST(SqliteEngineTest, OpenOfASoundStoreWritesNothing) {
  for (const char* journal : {"delete", "wal"}) {
    Pairs model;
    MemoryVfs vfs(AbandonedStore({{"journal", journal}}, model));
    const Image before = vfs.image();
    const auto engine = OpenEngine(vfs, {{"journal", journal}});
    EXPECT_EQ(ContentsOf(*engine).value(), model);
    EXPECT_TRUE(vfs.image().LooksLike(before)) << journal;
  }
}

TEST(SqliteEngineTest, CloseLeavesOnlyTheStore) {
  for (const char* journal : {"delete", "wal"}) {
    MemoryVfs vfs;
    const auto engine = OpenEngine(vfs, {{"journal", journal}});
    ASSERT_TRUE(engine->Apply({{{"k", "v"}}}));
    ASSERT_TRUE(engine->Close());
    EXPECT_EQ(vfs.List("").value(), std::vector<std::string>{"test.db"}) << journal;
  }
}

TEST(SqliteEngineTest, ReplaysTheLog) {
  Pairs model;
  MemoryVfs vfs(AbandonedStore({{"journal", "wal"}, {"checkpoint", "0"}}, model));
  ASSERT_TRUE(vfs.Exists("test.db-wal").value());
  const auto engine = OpenEngine(vfs, {{"journal", "wal"}});
  EXPECT_EQ(ContentsOf(*engine).value(), model);
  ExpectSound(*engine);
}

// Returns: a store of the given model with a transaction half written into the database file.
Image StoreWithHotJournal(const EngineOptions& changes, Pairs& model) {
  MemoryVfs vfs(AbandonedStore(changes, model));
  SqliteVfs process(vfs);
  const auto connection = OpenSqlite("test.db", process.name()).value();
  EXPECT_TRUE(Execute(connection.get(), "PRAGMA cache_size=2"));  // spills pages before the commit
  EXPECT_TRUE(Execute(connection.get(), "BEGIN"));
  EXPECT_TRUE(Execute(connection.get(), "UPDATE kv SET v=zeroblob(5000)"));
  const Image image = vfs.image();
  process.Kill();
  return image;
}

// Also pins what an application's PRAGMA journal_mode can and cannot do: recovery comes before it,
// so a hot journal is deleted in the truncate and persist modes as well.
TEST(SqliteEngineTest, RollsBackAHotJournalAndDeletesIt) {
  for (const char* journal : {"delete", "truncate", "persist"}) {
    Pairs model;
    MemoryVfs vfs(StoreWithHotJournal({{"journal", journal}}, model));
    ASSERT_TRUE(vfs.Exists("test.db-journal").value());
    const auto engine = OpenEngine(vfs, {{"journal", journal}});
    EXPECT_FALSE(vfs.Exists("test.db-journal").value()) << journal;
    EXPECT_EQ(ContentsOf(*engine).value(), model);
    ExpectSound(*engine);
  }
}

TEST(SqliteEngineTest, InExclusiveLockingAHotJournalIsKept) {
  Pairs model;
  MemoryVfs vfs(StoreWithHotJournal({}, model));
  const auto engine = OpenEngine(vfs, {{"locking", "exclusive"}});
  EXPECT_TRUE(vfs.Exists("test.db-journal").value());
  EXPECT_EQ(ContentsOf(*engine).value(), model);
}

void Overwrite(Vfs& vfs, uint64_t offset_bytes, const std::string& text) {
  const auto file = vfs.Open("test.db", OpenOptions{.create = true}).value();
  ASSERT_TRUE(file->Write(offset_bytes, std::as_bytes(std::span(text))));
}

TEST(SqliteEngineTest, CheckReportsADamagedPageInSqlitesWords) {
  Pairs model;
  MemoryVfs vfs(AbandonedStore({}, model));
  Overwrite(vfs, 3 * 4096, std::string(64, '\x55'));
  const auto engine = OpenEngine(vfs);
  const auto report = engine->Check();
  ASSERT_TRUE(report) << report.error().context;
  ASSERT_FALSE(report->structure.empty());
  EXPECT_THAT(report->structure.front(), HasSubstr("tree page"));
}

TEST(SqliteEngineTest, CheckTellsLeaksFromDamage) {
  MemoryVfs vfs;
  {
    const auto engine = OpenEngine(vfs);
    ASSERT_TRUE(engine->Apply({{{"large", std::string(20'000, 'x')}, {"small", "y"}}}));
    ASSERT_TRUE(engine->Apply({{{"large", std::nullopt}}}));
  }
  Overwrite(vfs, 32, std::string(8, '\0'));  // the header's list of free pages
  const auto engine = OpenEngine(vfs);
  const auto report = engine->Check();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->structure.empty());
  ASSERT_FALSE(report->leaks.empty());
  EXPECT_THAT(report->leaks.front(), HasSubstr("is never used"));
}

TEST(SqliteEngineTest, ErrorsCarrySqlitesTextAndTheNameOfTheCode) {
  MemoryVfs vfs;
  Overwrite(vfs, 0, std::string(5000, 'g'));
  const auto engine = SqliteType().Create(vfs, SqliteOptions());
  const auto opened = engine->Open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(opened.error().context, "file is not a database (SQLITE_NOTADB)");
}

TEST(SqliteEngineTest, ADatabaseOfOneByteIsEmpty) {
  MemoryVfs vfs;
  Overwrite(vfs, 0, "x");
  const auto engine = OpenEngine(vfs);
  EXPECT_EQ(ContentsOf(*engine).value(), Pairs());
}

TEST(SqliteEngineTest, ATransactionThatFailsIsRolledBack) {
  MemoryVfs vfs;
  const auto engine = OpenEngine(vfs);
  ASSERT_TRUE(engine->Apply({{{"k", "v"}}}));
  SqliteVfs process(vfs);
  const auto reader = OpenSqlite("test.db", process.name()).value();
  ASSERT_TRUE(Execute(reader.get(), "BEGIN"));
  ASSERT_TRUE(Execute(reader.get(), "SELECT * FROM kv"));
  const auto applied = engine->Apply({{{"k", "w"}}});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::kBusy);
  EXPECT_EQ(applied.error().context, "database is locked (SQLITE_BUSY)");
  ASSERT_TRUE(Execute(reader.get(), "COMMIT"));
  EXPECT_EQ(ContentsOf(*engine).value(), (Pairs{{"k", "v"}}));
  EXPECT_TRUE(engine->Apply({{{"k", "x"}}}));
}

TEST(SqliteEngineTest, NamesTheRolesOfItsFiles) {
  EXPECT_EQ(SqliteType().RoleOf("test.db"), "store");
  EXPECT_EQ(SqliteType().RoleOf("test.db-journal"), "journal");
  EXPECT_EQ(SqliteType().RoleOf("test.db-wal"), "log");
}

}  // namespace
}  // namespace plugpull
