// Goal: each thing that the check of the LMDB driver looks at is one that it finds, and a fault in
// the mapping is a death.
// Method: fields of the newest meta page, and of the pages that it names, are changed by hand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "engine/drivers/driver_testing.h"
#include "engine/target.h"

namespace plugpull {
namespace {

// LMDB 0.9 on 64 bits (mdb.c): a header of 16 bytes, then MDB_meta with its two databases.
constexpr size_t kPageBytes = 4096;
constexpr size_t kFreeRoot = 80;
constexpr size_t kLeafPages = 104;
constexpr size_t kEntries = 120;
constexpr size_t kRoot = 128;
constexpr size_t kLastPage = 136;
constexpr size_t kTransaction = 144;

class LmdbDamageTest : public testing::Test {
 protected:
  void SetUp() override {
    const Expected<DriverProgram> program = ParseTarget("lmdb")->Program();
    if (!program) GTEST_SKIP() << Describe(program.error());
    program_ = *program;
    process_ = *DriverProcess::Start(program_);
    process_->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(60));
    const auto engine = MakeDriverEngine(*process_, directory_.path(), program_);
    ASSERT_TRUE(engine->Open());
    for (int i = 0; i < 30; ++i) {
      ASSERT_TRUE(engine->Apply({{{fmt::format("key{}", i % 5), std::string(200, 'v')}}}));
    }
    ASSERT_TRUE(engine->Close());
    bytes_ = TextOfFile(path_);
  }

  uint64_t Read(size_t offset) const {
    uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  void Write(size_t offset, uint64_t value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof value);
  }
  uint16_t Read16(size_t offset) const {
    uint16_t value = 0;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  size_t Meta() const {
    return Read(kTransaction) > Read(kPageBytes + kTransaction) ? 0 : kPageBytes;
  }

  // Returns: where the page numbers of the first entry of the free list start; their count is
  // before.
  size_t FreePages() const {
    const size_t leaf = Read(Meta() + kFreeRoot) * kPageBytes;
    constexpr size_t kNodeAndKey = 16;
    return leaf + Read16(leaf + 16) + kNodeAndKey + 8;
  }

  // Opens and checks the file as it is now. Returns: what is wrong, "" for nothing.
  std::string Verdict() {
    std::ofstream(path_, std::ios::binary).write(bytes_.data(), static_cast<long>(bytes_.size()));
    const auto engine = MakeDriverEngine(*process_, directory_.path(), program_);
    if (const auto opened = engine->Open(); !opened) return Describe(opened.error());
    const Expected<CheckReport> report = engine->Check();
    if (!report) return Describe(report.error());
    if (!report->leaks.empty()) return "leak: " + report->leaks.front();
    return report->structure.empty() ? "" : report->structure.front();
  }

  ScratchDirectory directory_;
  const std::string path_ = directory_.path() + "/data.mdb";
  DriverProgram program_;
  std::unique_ptr<DriverProcess> process_;
  std::string bytes_;
};

TEST_F(LmdbDamageTest, ASoundFileIsSound) { EXPECT_EQ(Verdict(), ""); }

TEST_F(LmdbDamageTest, PagesThatNobodyKnowsAreALeak) {
  Write(Meta() + kLastPage, Read(Meta() + kLastPage) + 2);
  EXPECT_EQ(Verdict(), "leak: 2 pages are neither free nor in use");
}

TEST_F(LmdbDamageTest, MorePagesThanThereAreIsBrokenStructure) {
  Write(Meta() + kLeafPages, Read(Meta() + kLeafPages) + 1);
  EXPECT_EQ(Verdict(), "1 pages are both free and in use, or in use twice");
}

TEST_F(LmdbDamageTest, TheNumberOfEntriesIsCompared) {
  Write(Meta() + kEntries, 6);
  EXPECT_EQ(Verdict(), "data: it should have 6 entries, a walk finds fewer");
  Write(Meta() + kEntries, 4);
  EXPECT_EQ(Verdict(), "data: it should have 4 entries, a walk finds more");
}

TEST_F(LmdbDamageTest, KeysOutOfOrderAreFound) {
  const size_t leaf = Read(Meta() + kRoot) * kPageBytes;
  std::swap_ranges(bytes_.data() + leaf + 16, bytes_.data() + leaf + 18, bytes_.data() + leaf + 18);
  EXPECT_EQ(Verdict(), "data: keys are out of order");
}

TEST_F(LmdbDamageTest, TheFreeListIsRead) {
  const size_t pages = FreePages();
  ASSERT_GE(Read(pages - 8), 2U) << "the first entry of the free list should name two pages";
  const uint64_t first = Read(pages);
  Write(pages + 8, first);
  EXPECT_EQ(Verdict(), fmt::format("free list: page {} is free twice", first));
  Write(pages, 1'000);
  EXPECT_EQ(Verdict(), "free list: no page 1000 exists");
  Write(pages - 8, 1'000);
  EXPECT_EQ(Verdict(), "free list: an entry is too short");
}

TEST_F(LmdbDamageTest, BothMetasLostIsARefusal) {
  std::memset(bytes_.data() + 16, 0x5a, 8);
  std::memset(bytes_.data() + kPageBytes + 16, 0x5a, 8);
  EXPECT_EQ(Verdict(), "mdb_env_open: MDB_INVALID: File is not an LMDB file");
  EXPECT_EQ(process_->how_it_ended(), Conversation::End::kAlive);
}

TEST_F(LmdbDamageTest, APageBeyondTheEndOfTheFileIsADeath) {
  bytes_.resize(2 * kPageBytes);
  EXPECT_EQ(Verdict(), "plugpull-lmdb died of signal 7 (Bus error)");
  EXPECT_EQ(process_->how_it_ended(), Conversation::End::kCrashed);
}

}  // namespace
}  // namespace plugpull
