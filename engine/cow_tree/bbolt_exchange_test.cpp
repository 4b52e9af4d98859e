// Goal: a file of this engine is a file of bbolt, and the reverse: each opens what the other wrote,
// finds it clean, shows the same contents, and can go on writing it.
// Method: the real bbolt 1.3.6, through its driver, and this engine take turns on one file. After
// each turn both check it and both show it. Without a driver the tests are skipped.
#include "engine/cow_tree/bbolt_testing.h"

namespace plugpull::cow_tree {
namespace {

using testing::IsEmpty;

constexpr int kTurns = 5;
constexpr int kTransactionsPerTurn = 8;

struct Pairing {
  std::string name;
  OptionList ours;
  std::string theirs;
  RandomTransactions::Shape shape = {};
};

std::vector<Pairing> Pairings() {
  const RandomTransactions::Shape overflow{
      .keys = 80, .changes_max = 6, .value_bytes_max = 300, .long_value_bytes_max = 40'000};
  // Most keys go and come again, so that whole branches empty.
  const RandomTransactions::Shape deletes{
      .keys = 600, .changes_max = 150, .value_bytes_max = 60, .deletes_percent = 55};
  const RandomTransactions::Shape many{.keys = 4'000, .changes_max = 250, .value_bytes_max = 40};
  const RandomTransactions::Shape inlined{.keys = 6, .changes_max = 2, .value_bytes_max = 80};
  return {
      {"Default", {}, ""},
      {"Direct", {{"init", "direct"}, {"dirsync", "0"}, {"settle", "0"}}, ""},
      {"MapFreelist", {}, "freelist=map"},
      {"NoFreelist", {{"freelist", "none"}}, "nofreelistsync=1"},
      {"NoFreelistMap", {{"freelist", "none"}}, "freelist=map,nofreelistsync=1"},
      {"OnlyWeKeepAFreelist", {}, "nofreelistsync=1"},
      {"OnlyTheyKeepAFreelist", {{"freelist", "none"}}, ""},
      {"NoSync", {{"nosync", "1"}, {"nogrowsync", "1"}}, "nosync=1,nogrowsync=1"},
      {"Overflow", {}, "", overflow},
      {"OverflowNoFreelist", {{"freelist", "none"}}, "nofreelistsync=1", overflow},
      {"Deletes", {}, "", deletes},
      {"DeletesMap", {}, "freelist=map", deletes},
      {"DeletesNoFreelist", {{"freelist", "none"}}, "nofreelistsync=1", deletes},
      {"ManyKeys", {}, "", many},
      {"ManyKeysNoFreelist", {{"freelist", "none"}}, "nofreelistsync=1", many},
      {"Inline", {}, "", inlined},
      {"Pages1KiB", {{"page_size", "1024"}}, "page_size=1024", deletes},
      {"Pages1KiBOverflow", {{"page_size", "1024"}}, "page_size=1024", overflow},
      {"Pages2KiB", {{"page_size", "2048"}}, "page_size=2048", deletes},
      {"Pages8KiB", {{"page_size", "8192"}}, "page_size=8192", many},
      {"Pages16KiB", {{"page_size", "16384"}}, "page_size=16384", many},
      // The file says how large its pages are, whatever the options ask for.
      {"PagesOfTheFile", {{"page_size", "1024"}}, "page_size=8192", deletes},
  };
}

class BboltExchangeTest : public BboltTest, public testing::WithParamInterface<Pairing> {
 protected:
  void ApplyTo(Engine& engine) {
    for (int i = 0; i < kTransactionsPerTurn; ++i) {
      const Transaction transaction = transactions_.Next();
      const Expected<void> applied = engine.Apply(transaction);
      ASSERT_TRUE(applied.has_value()) << Describe(applied.error());
      Note(transaction, contents_);
    }
  }

  // The one who did not write it looks at it first, as its open may write.
  void OurTurn() {
    {
      const auto ours = OpenStore(vfs_, GetParam().ours);
      ApplyTo(*ours);
      EXPECT_EQ(ContentsOf(*ours), contents_);
      ExpectClean(*ours);
    }
    bbolt_->CopyFrom(vfs_);
    const auto theirs = bbolt_->Open(GetParam().theirs);
    ExpectClean(*theirs);
    EXPECT_EQ(ContentsOf(*theirs), contents_);
  }

  void TheirTurn() {
    {
      const auto theirs = bbolt_->Open(GetParam().theirs);
      ApplyTo(*theirs);
      EXPECT_EQ(ContentsOf(*theirs), contents_);
      ExpectClean(*theirs);
    }
    bbolt_->CopyTo(vfs_);
    const auto ours = OpenStore(vfs_, GetParam().ours);
    ExpectClean(*ours);
    EXPECT_EQ(ContentsOf(*ours), contents_);
  }

  MemoryVfs vfs_;
  RandomTransactions transactions_{7, GetParam().shape};
  Contents contents_;
};

TEST_P(BboltExchangeTest, BboltGoesOnWithAFileOfOurs) {
  for (int turn = 0; turn < kTurns && !HasFailure(); ++turn) {
    if (turn % 2 == 0) {
      OurTurn();
    } else {
      TheirTurn();
    }
  }
  EXPECT_THAT(contents_, testing::Not(IsEmpty()));
}

TEST_P(BboltExchangeTest, WeGoOnWithAFileOfBbolt) {
  for (int turn = 0; turn < kTurns && !HasFailure(); ++turn) {
    if (turn % 2 == 0) {
      TheirTurn();
    } else {
      OurTurn();
    }
  }
  EXPECT_THAT(contents_, testing::Not(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(Pairs, BboltExchangeTest, testing::ValuesIn(Pairings()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace plugpull::cow_tree
