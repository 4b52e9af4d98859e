// Goal: each mutant that needs no crash shows its symptom without one, and the real engine does not
// in the same schedule. Those of the commit order are in commit_order_test.cpp; those that need a
// disk that lies are shown here on a damaged file.
#include "engine/cow_tree/test_support.h"

namespace plugpull::cow_tree {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

OptionList With(const char* mutant, OptionList options = {}) {
  options.emplace_back("mutant", mutant);
  options.emplace_back("page_size", "1024");
  return options;
}

std::vector<Change> Rewrite(char letter) {
  std::vector<Change> changes;
  for (int index = 0; index < 30; ++index) {
    changes.push_back({fmt::format("key{:02}", index), std::string(90, letter)});
  }
  return changes;
}

// A new store with some free pages.
std::unique_ptr<Engine> UsedStore(Vfs& vfs, const OptionList& options) {
  std::unique_ptr<Engine> engine = OpenStore(vfs, options);
  for (const char letter : {'a', 'b', 'c'}) ApplyOk(*engine, Rewrite(letter));
  return engine;
}

std::unique_ptr<Engine> Reopened(std::unique_ptr<Engine> engine, Vfs& vfs,
                                 const OptionList& options) {
  engine.reset();
  return OpenStore(vfs, options);
}

// Returns: whether a reader sees the same after two more transactions.
bool KeepsReader(const char* mutant, bool rolls_back, bool reads) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = UsedStore(vfs, With(mutant));
  const std::unique_ptr<Snapshot> reader = OpenSnapshot(*engine);
  const Contents before = ContentsOf(*reader);
  if (rolls_back) RollbackOk(*engine, Rewrite('x'));
  for (const char letter : {'d', 'e'}) {
    ApplyOk(*engine, Rewrite(letter));
    EXPECT_EQ(ContentsOf(*engine).at("key00"), std::string(90, letter));
    ExpectClean(*engine);
  }
  return !reads || ContentsOf(*reader) == before;
}

TEST(Mutants, M6OverwritesWhatAReaderReads) {
  EXPECT_TRUE(KeepsReader("none", /*rolls_back=*/false, /*reads=*/true));
  EXPECT_FALSE(KeepsReader("M6", /*rolls_back=*/false, /*reads=*/true));
}

TEST(Mutants, M12NeedsAReaderAndARollback) {
  EXPECT_TRUE(KeepsReader("none", /*rolls_back=*/true, /*reads=*/true));
  EXPECT_TRUE(KeepsReader("M12", /*rolls_back=*/false, /*reads=*/true));
  EXPECT_TRUE(KeepsReader("M12", /*rolls_back=*/true, /*reads=*/false));
  EXPECT_FALSE(KeepsReader("M12", /*rolls_back=*/true, /*reads=*/true));
}

TEST(Mutants, M7aLeaksMoreWithEachOpening) {
  MemoryVfs vfs;
  const OptionList mutant = With("M7a");
  std::unique_ptr<Engine> engine = UsedStore(vfs, mutant);
  size_t leaked = 0;
  for (const char letter : {'d', 'e', 'f'}) {
    engine = Reopened(std::move(engine), vfs, mutant);
    const CheckReport report = ReportOf(*engine);
    EXPECT_THAT(report.structure, IsEmpty());
    EXPECT_THAT(report.leaks, Contains(HasSubstr("unreachable unfreed")));
    EXPECT_GT(report.leaks.size(), leaked);
    leaked = report.leaks.size();
    ApplyOk(*engine, {{"key00", std::string(90, letter)}});
  }
}

TEST(Mutants, M7bLeaksAPageWithEachTransaction) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs, With("M7b"));
  for (size_t count = 1; count <= 5; ++count) {
    ApplyOk(*engine, {{"key", fmt::format("{}", count)}});
    const CheckReport report = ReportOf(*engine);
    EXPECT_THAT(report.structure, IsEmpty());
    EXPECT_THAT(report.leaks, SizeIs(count));
  }
}

// The freelist frees itself: at once for the check, and for good in whoever opens the store.
TEST(Mutants, M8FreesItsOwnFreelistPage) {
  MemoryVfs vfs;
  const OptionList mutant = With("M8");
  std::unique_ptr<Engine> engine = UsedStore(vfs, mutant);
  EXPECT_THAT(
      ReportOf(*engine).structure,
      ElementsAre(fmt::format("page {}: reachable freed", StoreImage(vfs).Active().freelist)));
  engine = Reopened(std::move(engine), vfs, mutant);
  std::vector<std::string> problems;
  for (const char letter : {'d', 'e', 'f'}) {
    const Expected<void> applied = engine->Apply({Rewrite(letter)});
    if (!applied) {
      problems.push_back(applied.error().context);
      break;
    }
    for (const std::string& problem : ReportOf(*engine).structure) problems.push_back(problem);
  }
  EXPECT_THAT(problems, Contains(testing::AnyOf(HasSubstr("multiple references"),
                                                HasSubstr("already freed"))));
}

TEST(Mutants, M10aLosesTheLastTransactionInACleanReopen) {
  MemoryVfs vfs;
  std::unique_ptr<Engine> engine = UsedStore(vfs, With("M10a"));
  engine = Reopened(std::move(engine), vfs, With("M10a"));
  EXPECT_EQ(ContentsOf(*engine).at("key00"), std::string(90, 'b'));
  ExpectClean(*engine);
}

TEST(Mutants, M13MisleadsTheParentOfASplitNode) {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = OpenStore(vfs, With("M13"));
  ApplyOk(*engine, Rewrite('a'));
  EXPECT_THAT(ReportOf(*engine).structure,
              Contains(HasSubstr("needs to be < than key of the next element in ancestor")));
}

TEST(Mutants, M14LosesTheRestOfALargeValue) {
  MemoryVfs vfs;
  const OptionList mutant = With("M14", {{"freelist", "none"}});
  std::unique_ptr<Engine> engine = OpenStore(vfs, mutant);
  ApplyOk(*engine, {{"large", std::string(5000, 'v')}});
  EXPECT_THAT(ReportOf(*engine).structure,
              ElementsAre(HasSubstr("an element lies outside the page")));
  engine.reset();
  EXPECT_THAT(OpenError(vfs, mutant), HasSubstr("failed to get all reachable pages"));
}

TEST(Mutants, M17ForgetsAPageThatIsInUse) {
  MemoryVfs vfs;
  std::unique_ptr<Engine> engine = OpenStore(vfs, With("M17"));
  ApplyOk(*engine, Rewrite('a'));
  ExpectClean(*engine);  // what is in memory is right
  engine.reset();
  EXPECT_THAT(OpenError(vfs, With("M17")), HasSubstr("out of bounds"));
}

TEST(Mutants, M17ForgetsTheRootWhenThatIsTheLastPage) {
  MemoryVfs vfs;
  const OptionList mutant = With("M17", {{"freelist", "none"}});
  std::unique_ptr<Engine> engine = OpenStore(vfs, mutant);
  ApplyOk(*engine, Rewrite('a'));
  engine.reset();
  EXPECT_THAT(OpenError(vfs, mutant), HasSubstr("above high water mark"));
}

TEST(Mutants, M9GrowsWithoutASync) {
  for (const bool is_mutant : {false, true}) {
    MemoryVfs memory;
    LoggingVfs vfs(memory);
    const std::unique_ptr<Engine> engine = OpenStore(vfs, {{"mutant", is_mutant ? "M9" : "none"}});
    vfs.TakeLog();
    ApplyOk(*engine, {{"a", "1"}});
    const std::vector<std::string> log = vfs.TakeLog();
    EXPECT_THAT(log, Contains("truncate 32768"));
    EXPECT_EQ(std::ranges::count(log, "fsync"), is_mutant ? 0 : 1);
  }
}

// Metas that no honest disk can tear: each lies in one sector.

constexpr size_t kLowestByteOfRoot = 32;
constexpr size_t kLowestByteOfTransactionId = 64;

// A store after three transactions, whose newest meta is damaged in one byte. Its txid is 4 (3 with
// M3, which does not look at meta 1 of a new store), and it is the one at the start of the file.
class TornMetaTest : public testing::Test {
 protected:
  void Make(const OptionList& options, size_t damaged_byte) {
    UsedStore(vfs_, options);
    StoreImage image(vfs_);
    const auto txid_in = [&](size_t slot) {
      return Load<uint64_t>(&image.bytes[slot * 1024 + kLowestByteOfTransactionId]);
    };
    ASSERT_GT(txid_in(0), txid_in(1));
    image.bytes[damaged_byte] ^= std::byte{1};
    image.Save();
  }

  MemoryVfs vfs_;
};

TEST_F(TornMetaTest, NoMutantFallsBackToTheOther) {
  Make(With("none"), kLowestByteOfRoot);
  EXPECT_EQ(ContentsOf(*OpenStore(vfs_, With("none"))).at("key00"), std::string(90, 'b'));
}

TEST_F(TornMetaTest, M3HasNoOther) {
  MemoryVfs sound;
  EXPECT_EQ(ContentsOf(*Reopened(UsedStore(sound, With("M3")), sound, With("M3"))).size(), 30U);
  ExpectClean(*OpenStore(sound, With("M3")));
  Make(With("M3"), kLowestByteOfRoot);
  EXPECT_EQ(OpenError(vfs_, With("M3")), "checksum error");
}

TEST_F(TornMetaTest, M4TakesItAsItIs) {
  Make(With("M4"), kLowestByteOfRoot);
  EXPECT_THAT(ReportOf(*OpenStore(vfs_, With("M4"))).structure, Not(IsEmpty()));
}

TEST_F(TornMetaTest, M10bRefusesToOpen) {
  MemoryVfs sound;
  EXPECT_EQ(ContentsOf(*Reopened(UsedStore(sound, With("M10b")), sound, With("M10b"))).size(), 30U);
  Make(With("M10b"), kLowestByteOfRoot);
  EXPECT_EQ(OpenError(vfs_, With("M10b")), "checksum error");
}

TEST_F(TornMetaTest, M20SeesNothingInTheRoot) {
  MemoryVfs sound;
  UsedStore(sound, With("M20"));
  ExpectClean(*OpenStore(sound, With("M20")));
  Make(With("M20"), kLowestByteOfRoot);
  EXPECT_THAT(ReportOf(*OpenStore(vfs_, With("M20"))).structure, Not(IsEmpty()));
}

TEST_F(TornMetaTest, M20SeesTheRest) {
  Make(With("M20"), kLowestByteOfTransactionId);
  EXPECT_EQ(ContentsOf(*OpenStore(vfs_, With("M20"))).at("key00"), std::string(90, 'b'));
}

// bbolt 1.3.6.
TEST_F(TornMetaTest, QuirkQ2TakesAChecksumOfZero) {
  for (const bool has_quirk : {false, true}) {
    MemoryVfs vfs;
    UsedStore(vfs, With("none"));
    StoreImage image(vfs);
    Store(image.Page(image.ActiveSlot()) + 72, uint64_t{0});
    image.Save();
    const OptionList options = {{"quirk", has_quirk ? "Q2" : "none"}};
    EXPECT_EQ(ContentsOf(*OpenStore(vfs, options)).at("key00"),
              std::string(90, has_quirk ? 'c' : 'b'));
  }
}

// bbolt 1.3.6.
TEST(Quirks, Q1GrowsOnlyForTheFreelistPage) {
  MemoryVfs memory;
  LoggingVfs vfs(memory);
  const std::unique_ptr<Engine> engine = OpenStore(vfs, {{"quirk", "Q1"}, {"freelist", "none"}});
  vfs.TakeLog();
  for (int index = 0; index < 40; ++index) {
    ApplyOk(*engine, {{fmt::format("key{}", index), std::string(4000, 'x')}});
  }
  for (const std::string& operation : vfs.TakeLog()) {
    EXPECT_THAT(operation, Not(HasSubstr("truncate")));
  }
  ExpectClean(*engine);
}

}  // namespace
}  // namespace plugpull::cow_tree
