// Goal: what the policies differ in, and nothing else: which pages the next transaction may write,
// and what the freelist page lists. Method: after each transaction the newest meta is wiped, as if
// it had been lost, and the store is opened on the one before.
#include "engine/cow_tree/test_support.h"
#include "faults/base/random.h"

namespace plugpull::cow_tree {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

OptionList With(const char* policy, OptionList options = {}) {
  options.emplace_back("free_policy", policy);
  options.emplace_back("page_size", "1024");
  return options;
}

std::vector<Change> DrawChanges(Random& random) {
  std::vector<Change> changes;
  for (uint64_t left = 1 + random.Below(10); left > 0; --left) {
    Change change{fmt::format("k{:03}", random.Below(100)), std::nullopt};
    if (!random.OneIn(1, 3)) change.value = std::string(random.Below(300), 'v');
    changes.push_back(std::move(change));
  }
  return changes;
}

// Returns: the store at the worst moment for `revert-meta`: the transaction after `before` has
// written all its pages, but no meta, and then the newest meta is lost.
std::unique_ptr<MemoryVfs> WorstMoment(StoreImage& before, StoreImage& after) {
  std::vector<std::byte> bytes = after.bytes;
  std::copy_n(before.bytes.begin(), 2 * before.page_size, bytes.begin());
  std::fill_n(&bytes[before.ActiveSlot() * before.page_size], before.page_size, std::byte{0});
  auto vfs = std::make_unique<MemoryVfs>();
  const auto file = *vfs->Open("store.db", OpenOptions{.create = true});
  EXPECT_TRUE(file->Write(0, bytes).has_value());
  return vfs;
}

bool Holds(Vfs& vfs, const OptionList& options, const Contents& contents) {
  const std::unique_ptr<Engine> engine = MakeStore(vfs, options);
  ContentsVisitor visitor;
  return engine->Open().has_value() && engine->Scan(visitor).has_value() &&
         visitor.contents == contents && ReportOf(*engine).structure.empty();
}

// Returns: during how many of 60 transactions the meta before the newest was of no use.
int UselessPreviousMetas(const OptionList& options, bool reopens) {
  Random random(7, "policy");
  MemoryVfs vfs;
  std::unique_ptr<Engine> engine = OpenStore(vfs, options);
  Contents previous;
  Contents current;
  int useless = 0;
  for (int round = 0; round < 60; ++round) {
    if (reopens) {
      engine.reset();
      engine = OpenStore(vfs, options);
    }
    StoreImage before(vfs);
    ApplyOk(*engine, DrawChanges(random));
    ExpectClean(*engine);
    StoreImage after(vfs);
    if (!Holds(*WorstMoment(before, after), options, previous)) ++useless;
    previous = std::exchange(current, ContentsOf(*engine));
  }
  return useless;
}

TEST(FreePolicy, OnlyTwoGenerationsKeepThePreviousTreeWhileTheNextIsWritten) {
  for (const char* freelist : {"synced", "none"}) {
    for (const bool reopens : {false, true}) {
      SCOPED_TRACE(fmt::format("freelist {} reopens {}", freelist, reopens));
      const OptionList more = {{"freelist", freelist}};
      EXPECT_GT(UselessPreviousMetas(With("stock", more), reopens), 20);
      EXPECT_GT(UselessPreviousMetas(With("delayed_free", more), reopens), 20);
      EXPECT_EQ(UselessPreviousMetas(With("hold_two_generations", more), reopens), 0);
    }
  }
}

// PR #834's proposal: it changes what the freelist page lists, and no other page.
TEST(FreePolicy, DelayedFreeChangesTheFreelistPageAlone) {
  MemoryVfs stock_vfs;
  MemoryVfs delayed_vfs;
  const std::unique_ptr<Engine> stock = OpenStore(stock_vfs, With("stock"));
  const std::unique_ptr<Engine> delayed = OpenStore(delayed_vfs, With("delayed_free"));
  Random random(3, "delayed");
  for (int round = 0; round < 40; ++round) {
    const std::vector<Change> changes = DrawChanges(random);
    ApplyOk(*stock, changes);
    ApplyOk(*delayed, changes);
    StoreImage one(stock_vfs);
    StoreImage other(delayed_vfs);
    const Meta meta = one.Active();
    ASSERT_EQ(meta.freelist, other.Active().freelist);
    EXPECT_GT(LoadPageHeader(one.Page(meta.freelist)).count,
              LoadPageHeader(other.Page(meta.freelist)).count);
    for (PageId id = 0; id < meta.high_water_mark; ++id) {
      if (LoadPageHeader(one.Page(id)).flags == kFreelistFlag) continue;
      ASSERT_TRUE(std::equal(one.Page(id), one.Page(id) + one.page_size, other.Page(id)));
    }
  }
}

TEST(FreePolicy, DelayedFreeTakesBackWhatItsFreelistLacks) {
  Random random(5, "delayed");
  MemoryVfs vfs;
  uint64_t high_water_mark = 0;
  for (int round = 0; round < 60; ++round) {
    const std::unique_ptr<Engine> engine = OpenStore(vfs, With("delayed_free"));
    ApplyOk(*engine, DrawChanges(random));
    ExpectClean(*engine);
    if (round == 30) high_water_mark = StoreImage(vfs).Active().high_water_mark;
  }
  EXPECT_LE(StoreImage(vfs).Active().high_water_mark, high_water_mark + 30);
}

// The check of a store that promises a whole previous tree does look at it.
TEST(FreePolicy, CheckSeesDamageInThePreviousTree) {
  MemoryVfs vfs;
  const OptionList options = With("hold_two_generations");
  {
    const std::unique_ptr<Engine> engine = OpenStore(vfs, options);
    ApplyOk(*engine, {{"a", std::string(500, 'x')}, {"b", std::string(400, 'x')}});
    ApplyOk(*engine, {{"a", std::string(500, 'y')}});
    ExpectClean(*engine);
  }
  StoreImage image(vfs);
  const Meta older = *LoadMeta(image.PageSpan(1 - image.ActiveSlot()));
  PageHeader header = LoadPageHeader(image.Page(older.root.root));
  header.id = 77;
  StorePageHeader(image.Page(older.root.root), header);
  image.Save();
  EXPECT_THAT(ReportOf(*OpenStore(vfs, With("stock"))).structure, IsEmpty());
  EXPECT_THAT(ReportOf(*OpenStore(vfs, options)).structure,
              testing::ElementsAre(AllOf(HasSubstr("tree of the previous meta: "),
                                         HasSubstr("self identifies as 77"))));
}

}  // namespace
}  // namespace plugpull::cow_tree
