// Goal: a reader shows the revision that it was opened at, whatever is committed or rolled back
// since; pages that it needs are not overwritten, and all others are. Method: random histories
// with readers against copies of a std::map; bbolt's rules one by one.
#include "engine/cow_tree/test_support.h"
#include "faults/base/random.h"

namespace plugpull::cow_tree {
namespace {

using testing::IsEmpty;

const OptionList kSmallPages = {{"page_size", "1024"}};

std::vector<Change> Rewrite(char letter) {
  std::vector<Change> changes;
  for (int index = 0; index < 30; ++index) {
    changes.push_back({fmt::format("key{:02}", index), std::string(90, letter)});
  }
  return changes;
}

uint64_t HighWaterMark(Vfs& vfs) { return StoreImage(vfs).Active().high_water_mark; }

TEST(Readers, SeeTheRevisionOfTheirOpening) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs, kSmallPages);
  const std::unique_ptr<Snapshot> empty = OpenSnapshot(*engine);
  ApplyOk(*engine, Rewrite('a'));
  const Contents first = ContentsOf(*engine);
  const std::unique_ptr<Snapshot> reader = OpenSnapshot(*engine);
  for (const char letter : {'b', 'c', 'd', 'e'}) {
    ApplyOk(*engine, Rewrite(letter));
    EXPECT_EQ(ContentsOf(*reader), first);
    EXPECT_THAT(ContentsOf(*empty), IsEmpty());
    ExpectClean(*engine);
  }
}

// A reader keeps nothing in memory: what it shows is what the file has, right or wrong.
TEST(Readers, ShowPagesThatWereOverwrittenUnderThem) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs, kSmallPages);
  ApplyOk(*engine, Rewrite('a'));
  const std::unique_ptr<Snapshot> reader = OpenSnapshot(*engine);
  const Contents before = ContentsOf(*reader);
  StoreImage image(vfs);
  const PageId leaf = image.Tree(image.BucketRoot()).BranchElement(0).child;
  const auto file = *vfs.Open("store.db", {});
  ASSERT_TRUE(file->Write(leaf * 1024 + 200, std::vector<std::byte>(8)).has_value());
  EXPECT_NE(ContentsOf(*reader), before);
}

TEST(Readers, HoldPagesBackUntilTheyAreClosed) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs, kSmallPages);
  for (const char letter : {'a', 'b', 'c', 'd'}) ApplyOk(*engine, Rewrite(letter));
  const uint64_t steady = HighWaterMark(vfs);
  std::unique_ptr<Snapshot> reader = OpenSnapshot(*engine);
  for (const char letter : {'e', 'f', 'g', 'h'}) ApplyOk(*engine, Rewrite(letter));
  const uint64_t held = HighWaterMark(vfs);
  EXPECT_GT(held, steady);
  reader.reset();
  for (const char letter : {'i', 'j', 'k', 'l', 'm', 'n'}) ApplyOk(*engine, Rewrite(letter));
  EXPECT_EQ(HighWaterMark(vfs), held);
  ExpectClean(*engine);
}

// What is both allocated and freed after a reader was opened does not wait for it, if it came from
// the freelist. Pages at the end of the file have no known age, in bbolt and here: they wait.
TEST(Readers, DoNotHoldBackWhatIsYoungerThanThey) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs, kSmallPages);
  ApplyOk(*engine, {{"large", std::string(60 * 1024, 'x')}});
  ApplyOk(*engine, {{"large", std::nullopt}});
  for (const char letter : {'a', 'b', 'c', 'd'}) ApplyOk(*engine, Rewrite(letter));
  const std::unique_ptr<Snapshot> reader = OpenSnapshot(*engine);
  const Contents before = ContentsOf(*reader);
  const uint64_t steady = HighWaterMark(vfs);
  for (int round = 0; round < 40; ++round) ApplyOk(*engine, Rewrite('e'));
  EXPECT_EQ(HighWaterMark(vfs), steady);
  EXPECT_EQ(ContentsOf(*reader), before);
}

TEST(Readers, OutliveAFailedCommitAtEveryStep) {
  for (int step = 1; step <= 40; ++step) {
    SCOPED_TRACE(step);
    MemoryVfs memory;
    LoggingVfs vfs(memory);
    const std::unique_ptr<Engine> engine = OpenStore(vfs, kSmallPages);
    for (const char letter : {'a', 'b', 'c'}) ApplyOk(*engine, Rewrite(letter));
    const std::unique_ptr<Snapshot> reader = OpenSnapshot(*engine);
    const Contents before = ContentsOf(*reader);
    ApplyOk(*engine, Rewrite('d'));
    vfs.fail_at = step;
    const bool is_applied = engine->Apply({Rewrite('e')}).has_value();
    vfs.fail_at = 0;
    for (const char letter : {'f', 'g', 'h'}) {
      ApplyOk(*engine, Rewrite(letter));
      EXPECT_EQ(ContentsOf(*reader), before);
      ExpectClean(*engine);
    }
    if (is_applied) {
      EXPECT_GT(step, 5);
      return;
    }
  }
  FAIL() << "a commit never has so many steps";
}

TEST(Rollback, LeavesNothingBehind) {
  for (const OptionList& options : {OptionList{{"page_size", "1024"}},
                                    OptionList{{"page_size", "1024"}, {"freelist", "none"}}}) {
    MemoryVfs memory;
    MemoryVfs other_memory;
    LoggingVfs vfs(memory);
    LoggingVfs other_vfs(other_memory);
    const std::unique_ptr<Engine> engine = OpenStore(vfs, options);
    const std::unique_ptr<Engine> other = OpenStore(other_vfs, options);
    vfs.TakeLog();
    other_vfs.TakeLog();
    for (const char letter : {'a', 'b', 'c', 'd', 'e'}) {
      const Contents before = ContentsOf(*engine);
      RollbackOk(*engine, Rewrite('x'));
      RollbackOk(*engine, {{"key03", std::nullopt}, {"large", std::string(9000, 'y')}});
      RollbackOk(*engine, {});
      EXPECT_THAT(vfs.TakeLog(), IsEmpty());
      EXPECT_EQ(ContentsOf(*engine), before);
      ExpectClean(*engine);
      ApplyOk(*engine, Rewrite(letter));
      ApplyOk(*other, Rewrite(letter));
      // Not even in where the next transaction puts its pages, or when the file grows.
      EXPECT_EQ(vfs.TakeLog(), other_vfs.TakeLog());
    }
    EXPECT_EQ(StoreImage(memory).bytes, StoreImage(other_memory).bytes);
  }
}

TEST(Rollback, RefusesWhatApplyRefuses) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs);
  const Expected<bool> rolled_back = engine->Rollback({{{"", "value"}}});
  ASSERT_FALSE(rolled_back.has_value());
  EXPECT_EQ(rolled_back.error().context, "key required");
}

// A random history: transactions, roll-backs, readers that come and go.
void PlayWithReaders(OptionList options, uint64_t seed) {
  SCOPED_TRACE(fmt::format("seed {}", seed));
  options.emplace_back("page_size", "1024");
  struct Reader {
    std::unique_ptr<Snapshot> snapshot;
    Contents contents;
  };
  Random random(seed, "readers");
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs, options);
  Contents model;
  std::vector<Reader> readers;
  const auto draw = [&] {
    std::vector<Change> changes;
    for (uint64_t left = 1 + random.Below(12); left > 0; --left) {
      Change change{fmt::format("k{:03}", random.Below(150)), std::nullopt};
      if (!random.OneIn(1, 3)) change.value = std::string(random.Below(200), 'v');
      if (random.OneIn(1, 40)) change.value = std::string(3000, 'w');
      changes.push_back(std::move(change));
    }
    return changes;
  };
  for (int step = 0; step < 100; ++step) {
    if (random.OneIn(1, 3)) readers.push_back({OpenSnapshot(*engine), model});
    if (!readers.empty() && random.OneIn(1, 3)) {
      readers.erase(readers.begin() + static_cast<std::ptrdiff_t>(random.Below(readers.size())));
    }
    if (random.OneIn(1, 3)) RollbackOk(*engine, draw());
    const std::vector<Change> changes = draw();
    ASSERT_NO_FATAL_FAILURE(ApplyOk(*engine, changes));
    for (const Change& change : changes) {
      if (change.value) {
        model[change.key] = *change.value;
      } else {
        model.erase(change.key);
      }
    }
    ASSERT_EQ(ContentsOf(*engine), model) << "step " << step;
    ExpectClean(*engine);
    for (Reader& reader : readers) {
      ASSERT_EQ(ContentsOf(*reader.snapshot), reader.contents) << "step " << step;
    }
    if (testing::Test::HasFailure()) FAIL() << "step " << step;
  }
}

TEST(Readers, FollowTheirModels) {
  for (const char* policy : {"stock", "delayed_free", "hold_two_generations"}) {
    SCOPED_TRACE(policy);
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      ASSERT_NO_FATAL_FAILURE(PlayWithReaders({{"free_policy", policy}}, seed));
      ASSERT_NO_FATAL_FAILURE(
          PlayWithReaders({{"free_policy", policy}, {"freelist", "none"}}, seed));
    }
  }
}

}  // namespace
}  // namespace plugpull::cow_tree
