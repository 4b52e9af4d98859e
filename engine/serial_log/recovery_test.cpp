// Goal: the named cases of recovery: bug #44744 under each fix, lines that are missing, prepared
// transactions, logs that go over to the other file while something old is needed. Method: a
// process that dies between two steps: the store is dropped, its files stay.
#include "engine/serial_log/test_support.h"

namespace plugpull::serial_log {
namespace {

constexpr const char* kNoSchedule = "schedule=-,sections=1";

std::string With(const std::string& options) { return std::string(kNoSchedule) + "," + options; }

// Makes a store of twelve records, checkpointed; then `work`, the gopher, and a checkpoint that
// gets as far as the locator page. Returns: the files when the process dies there.
template <typename Work>
std::unique_ptr<MemoryVfs> LocatorAlone(const std::string& options, const Work& work) {
  auto vfs = std::make_unique<MemoryVfs>();
  const auto store = OpenStore(*vfs, OptionsOf(options));
  for (int number = 0; number < 12; ++number) {
    CommitOne(*store, fmt::format("old{:02}", number), std::string(20, 'o'));
  }
  ExpectOk(store->GopherStep(SIZE_MAX));
  ExpectOk(store->CheckpointBegin());
  ExpectOk(store->CheckpointFinish());
  work(*store);
  ExpectOk(store->GopherStep(SIZE_MAX));
  ExpectOk(store->CheckpointBegin());
  ExpectOk(store->CheckpointWriteNext(1));  // the locator page has the lowest number
  return vfs;
}

class FixTest : public testing::TestWithParam<const char*> {};

TEST_P(FixTest, RecordsMissInTheirDataPage) {
  Contents expected;
  const auto vfs = LocatorAlone(With(GetParam()), [&](RecordStore& store) {
    for (const char* key : {"one", "two", "three"}) CommitOne(store, key, std::string(30, *key));
    CommitOne(store, "long", std::string(9000, 'l'));
    CommitOne(store, "gone", "gone");
    CommitOne(store, "gone", std::nullopt);
    CommitOne(store, "old03", "new");
    expected = ContentsOf(store);
  });
  const Options options = OptionsOf(With(GetParam()));
  for (int opened = 0; opened < 3; ++opened) {
    const auto store = OpenStore(*vfs, options);
    EXPECT_EQ(ContentsOf(*store), expected);
    ExpectSound(*store);
  }
}

// The transaction that is redone first finds a free line that a later one's element leads to.
TEST_P(FixTest, LinesOfLaterRecordsAreNotTaken) {
  Contents expected;
  const auto vfs = LocatorAlone(With(GetParam()), [&](RecordStore& store) {
    CommitOne(store, "first", std::string(40, 'f'));
    CommitOne(store, "second", std::string(40, 's'));
    CommitOne(store, "first", std::nullopt);
    CommitOne(store, "third", std::string(400, 't'));
    CommitOne(store, "old05", std::nullopt);
    CommitOne(store, "fourth", std::string(10, '4'));
    expected = ContentsOf(store);
  });
  const auto store = OpenStore(*vfs, OptionsOf(With(GetParam())));
  EXPECT_EQ(ContentsOf(*store), expected);
  ExpectSound(*store);
}

INSTANTIATE_TEST_SUITE_P(Fixes, FixTest,
                         testing::Values("fix=2a", "fix=2b", "fix=2a,page_images=off",
                                         "fix=2b,page_images=off"));

TEST(Recovery, WithoutAFixARecordThatMissesBreaksTheStore) {
  const auto vfs = LocatorAlone(
      With("fix=none"), [](RecordStore& store) { CommitOne(store, "one", std::string(30, '1')); });
  RecordStore store(*vfs, OptionsOf(With("fix=none")));
  const Expected<void> opened = store.Open();
  if (!opened) return;
  const Expected<CheckReport> report = store.Check();
  EXPECT_TRUE(!report.has_value() || !report->structure.empty());
}

TEST(Recovery, PreparedTransactionsSurviveUndecided) {
  MemoryVfs vfs;
  const Options options = OptionsOf(kNoSchedule);
  {
    const auto store = OpenStore(vfs, options);
    CommitOne(*store, "a", "old");
    const TransactionId id = store->Begin();
    ExpectOk(store->Put(id, "a", "new"));
    ExpectOk(store->Put(id, "b", "new"));
    ExpectOk(store->Prepare(id));
    CommitOne(*store, "c", "other");
  }
  for (const bool commits : {false, true}) {
    MemoryVfs copy(vfs.image());
    {
      const auto store = OpenStore(copy, options);
      EXPECT_EQ(ContentsOf(*store), (Contents{{"a", "old"}, {"c", "other"}}));
      ASSERT_EQ(store->Prepared().size(), 1u);
      const TransactionId other = store->Begin();
      const Expected<void> locked = store->Put(other, "b", "mine");
      ASSERT_FALSE(locked.has_value());
      EXPECT_EQ(locked.error().code, ErrorCode::kBusy);
      ExpectOk(store->Rollback(other));
      const TransactionId id = store->Prepared().front();
      ExpectOk(commits ? store->Commit(id) : store->Rollback(id));
      ExpectOk(store->LogFlush());
    }
    const auto store = OpenStore(copy, options);
    const Contents decided = commits ? Contents{{"a", "new"}, {"b", "new"}, {"c", "other"}}
                                     : Contents{{"a", "old"}, {"c", "other"}};
    EXPECT_EQ(ContentsOf(*store), decided);
    EXPECT_THAT(store->Prepared(), testing::IsEmpty());
    ExpectSound(*store);
  }
}

// Returns: whether a transaction that was prepared long ago is still there after a crash.
Expected<size_t> PreparedAfterManyCommits(const std::string& mutant) {
  MemoryVfs vfs;
  const Options options = OptionsOf(With("window=2048,mutant=" + mutant));
  {
    const auto store = OpenStore(vfs, options);
    const TransactionId old = store->Begin();
    ExpectOk(store->Put(old, "old", "value"));
    ExpectOk(store->Prepare(old));
    for (int number = 0; number < 60; ++number) {
      CommitOne(*store, "key", fmt::format("value {}", number));
      ExpectOk(store->GopherStep(SIZE_MAX));
      if (number % 5 != 4) continue;
      ExpectOk(store->CheckpointBegin());
      ExpectOk(store->CheckpointFinish());
    }
  }
  RecordStore store(vfs, options);
  if (Expected<void> opened = store.Open(); !opened) return std::unexpected(opened.error());
  return store.Prepared().size();
}

TEST(Recovery, TheLogKeepsWhatAnOldTransactionNeeds) {
  EXPECT_EQ(PreparedAfterManyCommits("none").value_or(0), 1u);
  EXPECT_EQ(PreparedAfterManyCommits("MF4").value_or(0), 0u);  // F6: its window was purged
}

TEST(Recovery, TheLogGoesOverToTheOtherFileAndBack) {
  MemoryVfs vfs;
  const auto store = OpenStore(vfs, OptionsOf(With("window=2048")));
  for (int number = 0; number < 100; ++number) {
    CommitOne(*store, "key", fmt::format("value {}", number));
    ExpectOk(store->GopherStep(SIZE_MAX));
    ExpectOk(store->CheckpointBegin());
    ExpectOk(store->CheckpointFinish());
  }
  for (const char* path : kLogPaths) {
    const auto file = vfs.Open(path, {});
    EXPECT_GT(*(*file)->Size(), 0u);
    EXPECT_LT(*(*file)->Size(), 64u << 10);
  }
  EXPECT_EQ(ContentsOf(*OpenStore(*std::make_unique<MemoryVfs>(vfs.image()),
                                  OptionsOf(With("window=2048")))),
            (Contents{{"key", "value 99"}}));
}

}  // namespace
}  // namespace plugpull::serial_log
