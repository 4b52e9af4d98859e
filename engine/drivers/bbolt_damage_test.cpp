// Goal: damage to a bbolt file comes out as an error, a report of its check, or its death; never as
// silence of the harness, and never as a driver that takes the next store with it.
// Method: a store is written, bytes of it are changed, and the file is opened as after a crash. The
// format is described in ../cow_tree/README.md.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/drivers/driver_testing.h"
#include "engine/target.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

constexpr size_t kPageBytes = 4096;
constexpr uint64_t kNoFreelist = ~uint64_t{0};

// A file in memory: the fields of the newest meta page, and pages.
class BboltFile {
 public:
  explicit BboltFile(std::string bytes) : bytes_(std::move(bytes)) {}

  uint64_t root() const { return Read(NewestMeta() + 16 + 16); }
  uint64_t freelist() const { return Read(NewestMeta() + 16 + 32); }

  uint64_t Read(size_t offset) const {
    uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  char* Page(uint64_t page) { return bytes_.data() + page * kPageBytes; }
  std::string& bytes() { return bytes_; }

 private:
  size_t NewestMeta() const {
    constexpr size_t kTransaction = 16 + 48;
    return Read(kTransaction) > Read(kPageBytes + kTransaction) ? 0 : kPageBytes;
  }

  std::string bytes_;
};

class BboltDamageTest : public testing::Test {
 protected:
  void SetUp() override {
    const Expected<DriverProgram> program = ParseTarget("bbolt")->Program();
    if (!program) GTEST_SKIP() << Describe(program.error());
    program_ = *program;
    Start();
  }

  void Start() {
    process_ = *DriverProcess::Start(program_);
    process_->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(60));
  }

  // Returns: the file after a few transactions, some of which free pages.
  BboltFile WriteStore(const std::string& options) {
    program_ = *ParseTarget(options)->Program();
    std::filesystem::remove(path_);
    const auto engine = MakeDriverEngine(*process_, directory_.path(), program_);
    EXPECT_TRUE(engine->Open());
    for (int i = 0; i < 60; ++i) {
      EXPECT_TRUE(engine->Apply({{{fmt::format("key{:03}", i), std::string(400, 'v')}}}));
    }
    EXPECT_TRUE(engine->Close());
    return BboltFile(TextOfFile(path_));
  }

  // Opens the file with these bytes, checks and reads. Returns: what is wrong, "" for nothing.
  std::string Verdict(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
    const auto engine = MakeDriverEngine(*process_, directory_.path(), program_);
    if (const auto opened = engine->Open(); !opened) return Describe(opened.error());
    const Expected<CheckReport> report = engine->Check();
    if (!report) return Describe(report.error());
    if (!report->structure.empty()) return report->structure.front();
    if (!report->leaks.empty()) return "leak: " + report->leaks.front();
    CollectPairs pairs;
    const auto scanned = engine->Scan(pairs);
    if (!scanned) return Describe(scanned.error());
    return pairs.pairs == 60 ? "" : fmt::format("{} pairs", pairs.pairs);
  }

  ScratchDirectory directory_;
  const std::string path_ = directory_.path() + "/store.db";
  DriverProgram program_;
  std::unique_ptr<DriverProcess> process_;
};

TEST_F(BboltDamageTest, ASoundFileIsSound) {
  for (const char* options : {"bbolt", "bbolt:nofreelistsync=1", "bbolt:freelist=map"}) {
    EXPECT_EQ(Verdict(WriteStore(options).bytes()), "") << options;
  }
}

TEST_F(BboltDamageTest, BothMetasLostIsARefusal) {
  BboltFile file = WriteStore("bbolt");
  std::memset(file.Page(0) + 16, 0x5a, 64);
  std::memset(file.Page(1) + 16, 0x5a, 64);
  EXPECT_EQ(Verdict(file.bytes()), "invalid database");
  EXPECT_EQ(process_->how_it_ended(), Conversation::End::kAlive);
}

TEST_F(BboltDamageTest, ACutFileIsNoReasonToHang) {
  BboltFile file = WriteStore("bbolt");
  file.bytes().resize(2 * kPageBytes);  // both metas, and no page that they speak of
  EXPECT_NE(Verdict(file.bytes()), "");
  EXPECT_NE(process_->how_it_ended(), Conversation::End::kTimedOut);
}

TEST_F(BboltDamageTest, AWrongFreelistIsReported) {
  BboltFile file = WriteStore("bbolt");
  ASSERT_NE(file.freelist(), kNoFreelist);
  char* list = file.Page(file.freelist());
  uint16_t count = 0;
  std::memcpy(&count, list + 10, sizeof count);
  ASSERT_GE(count, 2U);
  const std::string sound = file.bytes();
  const uint64_t root = file.root();
  std::memcpy(list + 16, &root, sizeof root);
  EXPECT_EQ(Verdict(file.bytes()), fmt::format("page {}: reachable freed", root));
  file.bytes() = sound;
  list = file.Page(file.freelist());
  std::memcpy(list + 16, list + 24, sizeof(uint64_t));
  EXPECT_THAT(Verdict(file.bytes()), HasSubstr("already freed"));
  file.bytes() = sound;
  list = file.Page(file.freelist());
  count = static_cast<uint16_t>(count - 1);
  std::memcpy(list + 10, &count, sizeof count);
  EXPECT_THAT(Verdict(file.bytes()),
              testing::MatchesRegex("leak: page [0-9]+: unreachable unfreed"));
}

// The list of free pages is then what the tree does not reach, so that no page can be both, or
// neither: what is left for the check are pages that are reached twice or are no tree pages.
TEST_F(BboltDamageTest, WithoutAStoredFreelistTheCheckCannotSeeOne) {
  BboltFile file = WriteStore("bbolt:nofreelistsync=1");
  EXPECT_EQ(file.freelist(), kNoFreelist);
  EXPECT_EQ(Verdict(file.bytes()), "");
  // A file that was written with a stored list is still opened with it.
  BboltFile stored = WriteStore("bbolt");
  const uint64_t root = stored.root();
  std::memcpy(stored.Page(stored.freelist()) + 16, &root, sizeof root);
  program_ = *ParseTarget("bbolt:nofreelistsync=1")->Program();
  EXPECT_EQ(Verdict(stored.bytes()), fmt::format("page {}: reachable freed", root));
}

TEST_F(BboltDamageTest, APanicIsADeathThatSaysWhy) {
  BboltFile file = WriteStore("bbolt");
  const uint16_t kLeaf = 2;
  std::memcpy(file.Page(file.freelist()) + 8, &kLeaf, sizeof kLeaf);
  EXPECT_EQ(
      Verdict(file.bytes()),
      fmt::format("plugpull-bbolt exited with status 2: panic: invalid freelist page: {}, page "
                  "type is leaf",
                  file.freelist()));
  EXPECT_EQ(process_->how_it_ended(), Conversation::End::kExited);
}

// bbolt's check has no test for cycles: it follows one until its stack is full.
TEST_F(BboltDamageTest, ACycleOfPagesEndsTheDriverSoon) {
  BboltFile file = WriteStore("bbolt");
  const uint64_t root = file.root();
  char* page = file.Page(root);
  const uint16_t kBranch = 1;
  const uint16_t kOne = 1;
  std::memset(page + 8, 0, kPageBytes - 8);
  std::memcpy(page + 8, &kBranch, sizeof kBranch);
  std::memcpy(page + 10, &kOne, sizeof kOne);
  std::memcpy(page + 16 + 8, &root, sizeof root);
  EXPECT_THAT(Verdict(file.bytes()), HasSubstr("stack overflow"));
  EXPECT_EQ(process_->how_it_ended(), Conversation::End::kExited);
}

TEST_F(BboltDamageTest, APageThatClaimsTooManyOthersEndsTheDriverNotTheMachine) {
  BboltFile file = WriteStore("bbolt");
  const uint32_t kMany = 0xf0000000;
  std::memcpy(file.Page(file.root()) + 12, &kMany, sizeof kMany);
  EXPECT_THAT(Verdict(file.bytes()), HasSubstr("allocate memory"));
  EXPECT_NE(process_->how_it_ended(), Conversation::End::kTimedOut);
}

// Whatever a page says, there is a verdict, and the next sound file is sound.
TEST_F(BboltDamageTest, RandomBytesInAnyPageAreSurvived) {
  BboltFile file = WriteStore("bbolt");
  const std::string sound = file.bytes();
  size_t noticed = 0;
  for (uint64_t page = 2; page * kPageBytes < sound.size() && page < 40; ++page) {
    file.bytes() = sound;
    for (size_t i = 0; i < 64; ++i) {
      if (i >= 12 && i < 16) continue;  // how many pages belong to this one: see above
      file.Page(page)[i] ^= static_cast<char>(0x11 * (i % 7) + page);
    }
    noticed += !Verdict(file.bytes()).empty();
    ASSERT_NE(process_->how_it_ended(), Conversation::End::kTimedOut) << page;
    if (process_->how_it_ended() != Conversation::End::kAlive) Start();
    ASSERT_EQ(Verdict(sound), "") << page;
  }
  EXPECT_GT(noticed, 3U);
}

}  // namespace
}  // namespace plugpull
