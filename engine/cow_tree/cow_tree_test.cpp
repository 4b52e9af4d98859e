// Goal: the store holds what was put into it, through any history of transactions and reopenings,
// and its own checker has nothing to say. Method: random transactions against a std::map.
#include "engine/cow_tree/cow_tree.h"

#include "engine/cow_tree/freelist_page.h"
#include "engine/cow_tree/store_file.h"
#include "engine/cow_tree/test_support.h"
#include "faults/base/random.h"

namespace plugpull::cow_tree {
namespace {

using testing::HasSubstr;

// A history: how many keys there are, how large values get, which share of changes deletes.
struct History {
  OptionList options{};
  uint64_t key_count = 40;
  uint64_t value_bytes_max = 100;
  int transaction_count = 300;
};

class Player {
 public:
  Player(const History& history, uint64_t seed) : history_(history), random_(seed, "history") {}

  void Play() {
    engine_ = OpenStore(vfs_, history_.options);
    for (int index = 0; index < history_.transaction_count; ++index) {
      Transaction transaction = DrawTransaction();
      ASSERT_NO_FATAL_FAILURE(ApplyOk(*engine_, transaction.changes)) << "transaction " << index;
      for (const Change& change : transaction.changes) {
        if (change.value) {
          model_[change.key] = *change.value;
        } else {
          model_.erase(change.key);
        }
      }
      if (!random_.OneIn(1, 10)) continue;
      ASSERT_EQ(ContentsOf(*engine_), model_) << "transaction " << index;
      engine_.reset();
      engine_ = OpenStore(vfs_, history_.options);
      ExpectClean(*engine_);
      ASSERT_EQ(ContentsOf(*engine_), model_) << "transaction " << index;
      if (testing::Test::HasFailure()) FAIL() << "transaction " << index;
    }
  }

 private:
  Transaction DrawTransaction() {
    Transaction transaction;
    if (random_.OneIn(1, 12)) return transaction;
    const bool is_large = random_.OneIn(1, 8);
    const bool is_purge = random_.OneIn(1, 6);  // mostly deletes, so that trees shrink and merge
    const uint64_t change_count = 1 + random_.Below(is_large ? history_.key_count : 5);
    for (uint64_t index = 0; index < change_count; ++index) {
      Change change{fmt::format("k{:04}", random_.Below(history_.key_count)), std::nullopt};
      if (random_.OneIn(1, 9)) change.key += std::string(random_.Below(200), 'y');
      if (!random_.OneIn(is_purge ? 7 : 2, 8)) change.value = DrawValue();
      transaction.changes.push_back(std::move(change));
    }
    return transaction;
  }

  std::string DrawValue() {
    const uint64_t bytes_max = random_.OneIn(1, 30) ? 20000 : history_.value_bytes_max;
    return std::string(random_.Below(bytes_max + 1), static_cast<char>('a' + random_.Below(26)));
  }

  History history_;
  Random random_;
  MemoryVfs vfs_;
  std::unique_ptr<Engine> engine_;
  Contents model_;
};

void PlaySeeds(const History& history, uint64_t seed_count) {
  for (uint64_t seed = 1; seed <= seed_count; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    ASSERT_NO_FATAL_FAILURE(Player(history, seed).Play());
  }
}

TEST(CowTree, SmallStoresFollowTheModel) { PlaySeeds({}, 10); }

TEST(CowTree, TinyStoresFollowTheModel) {
  PlaySeeds({.key_count = 4, .value_bytes_max = 30, .transaction_count = 1000}, 5);
}

TEST(CowTree, LargerStoresFollowTheModel) {
  PlaySeeds({.key_count = 800, .value_bytes_max = 400}, 3);
}

TEST(CowTree, DeepTreesOfSmallPagesFollowTheModel) {
  PlaySeeds({.options = {{"page_size", "1024"}}, .key_count = 1500, .value_bytes_max = 60}, 3);
}

TEST(CowTree, StoresWithoutFreelistFollowTheModel) {
  PlaySeeds({.options = {{"freelist", "none"}}, .key_count = 200}, 3);
}

TEST(CowTree, FreePoliciesFollowTheModel) {
  for (const char* policy : {"delayed_free", "hold_two_generations"}) {
    for (const char* freelist : {"synced", "none"}) {
      SCOPED_TRACE(fmt::format("{} {}", policy, freelist));
      PlaySeeds({.options = {{"free_policy", policy}, {"freelist", freelist}},
                 .key_count = 200,
                 .transaction_count = 150},
                2);
    }
  }
}

TEST(CowTree, AllPageSizesFollowTheModel) {
  for (const char* page_size : {"2048", "8192", "16384", "32768", "65536"}) {
    PlaySeeds({.options = {{"page_size", page_size}}, .key_count = 300, .transaction_count = 150},
              2);
  }
}

// More free pages than the 16 bits of a page's count can tell.
TEST(CowTree, LongFreelistsAreStoredAndReadBack) {
  constexpr PageId kHighWaterMark = 67000;
  constexpr uint32_t kPageSize = 1024;
  MemoryVfs vfs;
  ApplyOk(*OpenStore(vfs, {{"page_size", "1024"}}), {{"a", "1"}});
  {
    StoreImage image(vfs);
    Meta meta = image.Active();
    meta.high_water_mark = kHighWaterMark;
    meta.freelist = kNoFreelist;
    image.SetActive(meta);
    image.Save();
  }
  const auto file = *vfs.Open("store.db", {});
  ASSERT_TRUE(file->Truncate(kHighWaterMark * kPageSize).has_value());
  for (const char* value : {"2", "3"}) {
    const std::unique_ptr<Engine> engine = OpenStore(vfs);
    ApplyOk(*engine, {{"a", value}});
    ExpectClean(*engine);
    const Meta meta = ReadStoreState(*file, Options{})->active;
    EXPECT_EQ(meta.high_water_mark, kHighWaterMark);
    PageCache pages;
    pages.Attach(*file, kPageSize, kHighWaterMark);
    const auto freelist = FreelistPage::Read(pages, meta.freelist, kHighWaterMark);
    ASSERT_TRUE(freelist.has_value());
    EXPECT_GT(freelist->count(), 0xFFFFU);
    EXPECT_EQ(freelist->header().count, kFreelistCountEscape);
    // bbolt counts the ids before it takes pages for them, and adds a page.
    const uint64_t overflow = freelist->header().overflow;
    EXPECT_EQ(overflow, (16 + 8 * (1 + freelist->count() + overflow + 1)) / kPageSize);
  }
}

// Without a crash, a mutant of the commit order is as good as the real thing: only the harness can
// tell them apart.
TEST(CowTree, MutantsFollowTheModelWithoutACrash) {
  for (const char* mutant : {"M1", "M2", "M3", "M4", "M5", "M6", "M9", "M10b", "M11", "M12", "M15",
                             "M18", "M19", "M20", "C2"}) {
    SCOPED_TRACE(mutant);
    PlaySeeds({.options = {{"mutant", mutant}}, .key_count = 100, .transaction_count = 150}, 2);
  }
}

// The pages that the audit takes for leaked are those that were allocated since the open.
TEST(CowTree, MutantC1DamagesAStoreThatIsUsedForSomeTimeAfterAnOpen) {
  const OptionList mutant = {{"mutant", "C1"}};
  MemoryVfs vfs;
  {
    const std::unique_ptr<Engine> creator = OpenStore(vfs, mutant);
    for (int i = 0; i < 9; ++i)
      ApplyOk(*creator, {{fmt::format("k{}", i), std::string(3000, 'a')}});
    ExpectClean(*creator);
  }
  const std::unique_ptr<Engine> engine = OpenStore(vfs, mutant);
  ExpectClean(*engine);
  for (int i = 0; i < 3; ++i) {
    ApplyOk(*engine, {{fmt::format("m{}", i), std::string(3000, 'b')}});
    ExpectClean(*engine);
  }
  const Expected<void> applied = engine->Apply({.changes = {{"n", std::string(3000, 'c')}}});
  EXPECT_TRUE(!applied || !ReportOf(*engine).structure.empty());
}

TEST(CowTree, LaterChangeOfAKeyWins) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs);
  ApplyOk(*engine, {{"a", "1"}, {"a", "2"}, {"b", "1"}, {"b", std::nullopt}, {"a", "3"}});
  EXPECT_EQ(ContentsOf(*engine), (Contents{{"a", "3"}}));
}

TEST(CowTree, KeysAreOrderedAsUnsignedBytes) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs);
  const std::string high("\xff\x80", 2);
  const std::string zero("\0", 1);
  ApplyOk(*engine, {{high, "h"}, {zero, "z"}, {"a", "1"}, {"a" + zero, "2"}});
  EXPECT_EQ(ContentsOf(*engine),
            (Contents{{high, "h"}, {zero, "z"}, {"a", "1"}, {"a" + zero, "2"}}));
  ExpectClean(*engine);
}

TEST(CowTree, LimitsAreThoseOfBbolt) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs);
  ApplyOk(*engine, {{std::string(kKeyBytesMax, 'k'), "fits"}});
  const auto error_of = [&](const Change& change) {
    const Expected<void> applied = engine->Apply(Transaction{{{"b", "x"}, change}});
    return applied ? "" : applied.error().context;
  };
  EXPECT_EQ(error_of({"", "value"}), "key required");
  EXPECT_EQ(error_of({std::string(kKeyBytesMax + 1, 'k'), "value"}), "key too large");
  EXPECT_EQ(ContentsOf(*engine).size(), 1U);  // nothing of a refused transaction is there
  ExpectClean(*engine);
}

TEST(CowTree, LockKeepsASecondHandleOut) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs);
  EXPECT_THAT(OpenError(vfs), HasSubstr("timeout"));
}

TEST(CowTree, OldPageSizeWinsOverTheOption) {
  MemoryVfs vfs;
  ApplyOk(*OpenStore(vfs, {{"page_size", "1024"}}), {{"a", "1"}});
  EXPECT_EQ(ContentsOf(*OpenStore(vfs, {{"page_size", "8192"}})), (Contents{{"a", "1"}}));
}

TEST(CowTree, TypeDescribesItself) {
  EXPECT_EQ(CowTreeType().name(), "cow_tree");
  EXPECT_EQ(CowTreeType().RoleOf("store.db"), "store");
  for (const OptionSpec& spec : CowTreeType().options()) {
    EXPECT_THAT(spec.values, testing::Contains(spec.default_value)) << spec.name;
  }
}

// Several stores are open at a time on one thread, each with a page cache of its own.
TEST(CowTree, OpenStoresDoNotShareBytes) {
  MemoryVfs first_vfs;
  MemoryVfs second_vfs;
  const std::unique_ptr<Engine> first = OpenStore(first_vfs);
  const std::unique_ptr<Engine> second = OpenStore(second_vfs);
  for (int round = 0; round < 20; ++round) {
    ApplyOk(*first, {{"key", fmt::format("first {}", round)}});
    ApplyOk(*second, {{"key", fmt::format("second {}", round)}});
    EXPECT_EQ(ContentsOf(*first).at("key"), fmt::format("first {}", round));
    EXPECT_EQ(ContentsOf(*second).at("key"), fmt::format("second {}", round));
  }
}

}  // namespace
}  // namespace plugpull::cow_tree
