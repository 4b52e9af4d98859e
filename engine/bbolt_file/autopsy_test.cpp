// Goal: files that nothing happened to are sound, whoever wrote them, and what is no bbolt file
// gets one clear line. Method: histories of random transactions, examined after each; bad input of
// all sorts.
#include "engine/bbolt_file/autopsy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "engine/bbolt_file/autopsy_testing.h"
#include "engine/drivers/driver.h"
#include "engine/target.h"

namespace plugpull::bbolt_file {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

void ExpectSound(const Autopsy& autopsy) {
  EXPECT_TRUE(autopsy.is_sound()) << TextOf(autopsy);
  EXPECT_THAT(autopsy.file_violations, IsEmpty());
  for (const TreeFinding& tree : autopsy.trees) EXPECT_TRUE(tree.is_whole) << TextOf(autopsy);
  EXPECT_THAT(autopsy.diagnoses, IsEmpty());
  EXPECT_FALSE(autopsy.changed_while_read);
}

struct SoundPlan {
  const char* name;
  HistoryPlan plan;
};

class SoundHistoryTest : public testing::TestWithParam<SoundPlan> {};

TEST_P(SoundHistoryTest, IsSoundAfterEachTransaction) {
  ScratchFile scratch;
  for (const FileBytes& file : WriteHistory(GetParam().plan).files) {
    ExpectSound(scratch.Examine(file));
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SoundHistoryTest,
    testing::Values(
        SoundPlan{"None", {.seed = 1}},
        SoundPlan{"Synced",
                  {.seed = 2, .options = {{"page_size", "1024"}, {"freelist", "synced"}}}},
        SoundPlan{"LargeValues",
                  {.seed = 3,
                   .transactions = 30,
                   .key_count = 100,
                   .first_keys = 50,
                   .value_bytes_max = 9000,
                   .options = {{"page_size", "1024"}, {"freelist", "synced"}}}},
        SoundPlan{"UsualPages", {.seed = 4, .first_keys = 600, .options = {{"page_size", "4096"}}}},
        SoundPlan{"Emptied", {.seed = 5, .transactions = 60, .key_count = 12, .first_keys = 6}}),
    [](const auto& tested) { return tested.param.name; });

// A copy of a leaf fits the place of a bucket's root as well as the branch that was there. What
// shows is that nobody has the other pages.
TEST(Autopsy, ABucketThatLostItsBranchIsNotMendedByAScanForFreePages) {
  const History history =
      WriteHistory({.options = {{"page_size", "1024"}, {"freelist", "synced"}}});
  FileBytes bytes = history.last();
  const FilePages pages(bytes, history.page_size);
  const PageId root = pages.BucketRoot(pages.Active());
  ASSERT_TRUE(pages.Tree(root).IsBranch());
  PageId leaf = root;
  while (pages.Tree(leaf).IsBranch()) leaf = pages.Tree(leaf).BranchElement(0).child;
  std::ranges::copy(pages[leaf], pages[root].begin());
  cow_tree::Store(pages[root].data(), root);
  const Autopsy autopsy = ScratchFile().Examine(bytes);
  ASSERT_FALSE(autopsy.diagnoses.empty());
  EXPECT_TRUE(autopsy.trees[0].is_whole) << TextOf(autopsy);
  EXPECT_EQ(autopsy.recoverability, Recoverability::kPreviousMeta) << TextOf(autopsy);
  EXPECT_EQ(autopsy.diagnoses[0].advice, "surgery revert-meta") << TextOf(autopsy);
  EXPECT_FALSE(autopsy.diagnoses[0].possible_on_honest_disk);
}

TEST(Autopsy, SeesWhatIsThere) {
  const History history = WriteHistory({});
  ScratchFile scratch;
  const Autopsy autopsy = scratch.Examine(history.last());
  FileBytes bytes = history.last();
  const FilePages pages(bytes, history.page_size);
  const Meta active = pages.Active();
  EXPECT_EQ(autopsy.page_size_bytes, 1024u);
  EXPECT_EQ(autopsy.file_pages, pages.count());
  ASSERT_EQ(autopsy.trees.size(), 2u);
  EXPECT_EQ(autopsy.trees[0].slot, pages.ActiveSlot());
  EXPECT_EQ(autopsy.metas[pages.ActiveSlot()].meta->transaction_id, active.transaction_id);
  EXPECT_TRUE(autopsy.metas[pages.ActiveSlot()].is_active);
  EXPECT_THAT(autopsy.active_reason, HasSubstr("higher txid"));
  uint64_t keys = 0;
  for (const PageId page : pages.Reached(active)) {
    if (page != active.root.root && pages.Tree(page).IsLeaf()) keys += pages.Tree(page).count();
  }
  EXPECT_EQ(autopsy.trees[0].keys, keys);
  EXPECT_EQ(autopsy.trees[0].buckets, 1u);
  EXPECT_EQ(autopsy.trees[0].pages, pages.Reached(active).size());
  EXPECT_GE(autopsy.trees[0].depth, 2u);
  EXPECT_TRUE(autopsy.comparison.is_possible);
  EXPECT_TRUE(autopsy.comparison.previous_is_whole);
  EXPECT_GT(autopsy.comparison.only_active, 0u);
  EXPECT_EQ(autopsy.comparison.shared_pages + autopsy.comparison.only_active,
            autopsy.trees[0].pages);
}

// bbolt itself.

class RealBboltTest : public testing::TestWithParam<const char*> {};

TEST_P(RealBboltTest, IsSoundAfterEachTransaction) {
  const Expected<Target> target = ParseTarget(GetParam());
  ASSERT_TRUE(target.has_value());
  const Expected<DriverProgram> program = target->Program();
  if (!program) GTEST_SKIP() << Describe(program.error());
  ScratchFile scratch;
  const auto process = DriverProcess::Start(*program);
  ASSERT_TRUE(process.has_value()) << Describe(process.error());
  (*process)->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(60));
  const auto engine = MakeDriverEngine(**process, scratch.directory(), *program);
  ASSERT_TRUE(engine->Open().has_value());
  Random random(7, GetParam());
  for (int index = 0; index < 120; ++index) {
    const size_t value_bytes_max = index % 5 == 4 ? 20000 : 300;
    ASSERT_TRUE(engine->Apply(DrawTransaction(random, 1500, value_bytes_max)).has_value());
    const Expected<Autopsy> autopsy = Examine(scratch.path());
    ASSERT_TRUE(autopsy.has_value()) << Describe(autopsy.error());
    ExpectSound(*autopsy);
    if (HasFailure()) return;
  }
  EXPECT_TRUE(engine->Close().has_value());
}

INSTANTIATE_TEST_SUITE_P(All, RealBboltTest,
                         testing::Values("bbolt:nosync=1", "bbolt:nosync=1,nofreelistsync=1",
                                         "bbolt:nosync=1,freelist=map",
                                         "bbolt:nosync=1,page_size=1024"));

// What is no bbolt file.

class BadInputTest : public testing::Test {
 protected:
  static std::string ErrorOf(const std::string& path) {
    const Expected<Autopsy> autopsy = Examine(path);
    if (autopsy) return "";
    const std::string text = Describe(autopsy.error());
    EXPECT_EQ(text.find('\n'), std::string::npos);
    return text;
  }
  ScratchFile scratch_;
};

TEST_F(BadInputTest, NothingThere) {
  EXPECT_THAT(ErrorOf("/nowhere/store.db"), HasSubstr("cannot examine '/nowhere/store.db'"));
}

TEST_F(BadInputTest, Directory) {
  EXPECT_THAT(ErrorOf(scratch_.directory()), HasSubstr("is a directory"));
}

TEST_F(BadInputTest, PipesAndDevices) {
  ASSERT_EQ(::mkfifo(scratch_.path().c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf(scratch_.path()), HasSubstr("no regular file"));
  EXPECT_THAT(ErrorOf("/dev/zero"), HasSubstr("no regular file"));
}

TEST_F(BadInputTest, Empty) {
  scratch_.Write({});
  EXPECT_THAT(ErrorOf(scratch_.path()), HasSubstr("is empty"));
}

TEST_F(BadInputTest, Unreadable) {
  scratch_.Write(FileBytes(8192));
  ASSERT_EQ(::chmod(scratch_.path().c_str(), 0), 0);
  if (std::ifstream(scratch_.path()).good()) GTEST_SKIP() << "this user may read every file";
  EXPECT_THAT(ErrorOf(scratch_.path()), HasSubstr("cannot read"));
}

TEST_F(BadInputTest, SomethingElse) {
  FileBytes bytes(30000);
  Random random(3, "noise");
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next());
  for (const size_t size : {1, 79, 80, 4096, 30000}) {
    scratch_.Write({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
    EXPECT_THAT(ErrorOf(scratch_.path()), HasSubstr("no bbolt file")) << size;
  }
}

// Every length: an error or an autopsy that is not sound, as long as pages in use are missing.
TEST_F(BadInputTest, CutAnywhere) {
  const History history = WriteHistory({.transactions = 3, .first_keys = 60});
  FileBytes bytes = history.last();
  const FilePages pages(bytes, history.page_size);
  const uint64_t used_bytes = pages.Active().high_water_mark * history.page_size;
  for (size_t size = 1; size < bytes.size(); size += size < 2200 ? 97 : 509) {
    scratch_.Write({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
    const Expected<Autopsy> autopsy = Examine(scratch_.path());
    if (!autopsy) continue;
    EXPECT_EQ(autopsy->is_sound(), size >= used_bytes) << size << "\n" << TextOf(*autopsy);
    EXPECT_EQ(autopsy->diagnoses.empty(), autopsy->is_sound()) << size;
  }
}

// A writer that cuts the file and fills it again: no crash, and the answer says that it may be of
// two states.
TEST_F(BadInputTest, BeingWritten) {
  const History history = WriteHistory({.transactions = 3});
  const FileBytes& bytes = history.last();
  scratch_.Write(bytes);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    const int file = ::open(scratch_.path().c_str(), O_WRONLY | O_CLOEXEC);
    for (size_t round = 0; !stop; ++round) {
      const size_t kept = bytes.size() / 2 + round % (bytes.size() / 2);
      EXPECT_EQ(::ftruncate(file, static_cast<off_t>(kept)), 0);
      EXPECT_GT(::pwrite(file, &bytes[kept], bytes.size() - kept, static_cast<off_t>(kept)), 0);
    }
    ::close(file);
  });
  bool was_noticed = false;
  for (int attempt = 0; attempt < 2000 && !was_noticed; ++attempt) {
    const Expected<Autopsy> autopsy = Examine(scratch_.path());
    was_noticed = autopsy && autopsy->changed_while_read;
    if (was_noticed) {
      EXPECT_THAT(autopsy->notes, testing::Contains(HasSubstr("somebody wrote to the file")));
    }
  }
  stop = true;
  writer.join();
  EXPECT_TRUE(was_noticed);
}

}  // namespace
}  // namespace plugpull::bbolt_file
