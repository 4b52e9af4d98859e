// Goal: the driver for Mavibot keeps to the protocol and says what the library does, also where
// that is to lose data. Here no call is lost and nothing is killed inside one: what fails, Mavibot
// fails by itself. Method: the real library on real directories; every expectation about its bugs
// is of 1.0.0-M8.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/drivers/driver_testing.h"
#include "engine/target.h"

namespace plugpull {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

class MavibotDriverTest : public testing::Test {
 protected:
  void SetUp() override {
    const Expected<DriverProgram> program = ParseTarget("mavibot")->Program();
    if (!program) GTEST_SKIP() << Describe(program.error());
    Use("mavibot");
    StartAgain();
  }

  void Use(const std::string& target) { program_ = *ParseTarget(target)->Program(); }

  void StartAgain() {
    process_ = *DriverProcess::Start(program_);
    process_->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(60));
  }

  std::unique_ptr<Engine> NewEngine() const {
    return MakeDriverEngine(*process_, directory_.path(), program_);
  }

  // Returns: what the store that is open in `engine` holds.
  static Contents Dump(Engine& engine) {
    CollectPairs pairs;
    const Expected<void> scanned = engine.Scan(pairs);
    EXPECT_TRUE(scanned) << Describe(scanned.error());
    return pairs.contents;
  }

  // Returns: what the library's check says, "" for nothing.
  static std::string Complaint(Engine& engine) {
    const Expected<CheckReport> report = engine.Check();
    if (!report) return Describe(report.error());
    return report->structure.empty() ? "" : report->structure.front();
  }

  std::string Ask(std::string_view line) const {
    EXPECT_TRUE(process_->Send(line));
    const Expected<std::string_view> answer = process_->Receive();
    return answer ? std::string(*answer) : Describe(answer.error());
  }

  // Opens what the file is now, as after a restart. Returns: what is wrong, "" for nothing.
  std::string Verdict() {
    const auto engine = NewEngine();
    if (const auto opened = engine->Open(); !opened) return Describe(opened.error());
    return Complaint(*engine);
  }

  void WriteNumber(uint64_t offset, uint64_t number) const {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    std::array<char, 8> bytes;
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>(number >> (8 * (bytes.size() - 1 - i)));  // as Java writes it
    }
    file.seekp(static_cast<std::streamoff>(offset)).write(bytes.data(), bytes.size());
  }

  ScratchDirectory directory_;
  const std::string path_ = directory_.path() + "/mavibot.db";
  DriverProgram program_;
  std::unique_ptr<DriverProcess> process_;
};

TEST_F(MavibotDriverTest, KeepsWhatItIsToldAcrossReopening) {
  for (const char* target : {"mavibot", "mavibot:page_size=256", "mavibot:page_size=4096"}) {
    std::filesystem::remove(path_);
    Use(target);
    Contents expected;
    for (int round = 0; round < 6; ++round) {
      const auto engine = NewEngine();
      ASSERT_TRUE(engine->Open()) << target;
      EXPECT_EQ(Dump(*engine), expected) << target;
      EXPECT_EQ(Complaint(*engine), "") << target;
      for (int i = 0; i < 4; ++i) {
        const std::string key = fmt::format("key {}", (i * 7 + round) % 20) + '\xff';
        const std::string value(static_cast<size_t>(i) * 300, static_cast<char>(i));
        ASSERT_TRUE(engine->Apply({{{key, value}, {"not there", std::nullopt}}}));
        expected[key] = value;
      }
      ASSERT_TRUE(engine->Apply({{{expected.begin()->first, std::nullopt}}}));
      expected.erase(expected.begin());
      EXPECT_EQ(Dump(*engine), expected) << target;
      ASSERT_TRUE(engine->Close());
    }
  }
}

TEST_F(MavibotDriverTest, OpensThousandsOfStoresInOneProcess) {
  {
    const auto engine = NewEngine();
    ASSERT_TRUE(engine->Open());
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(engine->Apply({{{fmt::format("key{}", i), std::string(500, 'v')}}}));
    }
  }
  for (int i = 0; i < 2000; ++i) {
    const auto engine = NewEngine();
    ASSERT_TRUE(engine->Open()) << i;
    ASSERT_EQ(Dump(*engine).size(), 10U) << i;
    ASSERT_EQ(Complaint(*engine), "") << i;
  }
  // Those that fail to open leave files open until they are collected.
  WriteNumber(16, 1);  // where the tree of trees is
  for (int i = 0; i < 2000; ++i) ASSERT_THAT(Verdict(), StartsWith("InvalidOffsetException")) << i;
  EXPECT_EQ(process_->how_it_ended(), Conversation::End::kAlive);
}

TEST_F(MavibotDriverTest, NonsenseIsAnsweredWithAnError) {
  for (const char* line : {"\n", "what\n", "open\n", "put 61 31\n", "commit\n", "dump\n", "close\n",
                           "repair\n", "begin\n"}) {
    EXPECT_THAT(Ask(line), StartsWith("err ")) << line;
  }
  EXPECT_THAT(Ask("open " + directory_.path() + " no_such_option=1\n"),
              AllOf(StartsWith("err "), HasSubstr("no_such_option")));
  EXPECT_EQ(Ask("quit\n"), "ok");
  EXPECT_FALSE(process_->Receive());
  EXPECT_EQ(process_->DescribeEnd(), "exited with status 0");
}

TEST_F(MavibotDriverTest, AFailedChangeIsNotCommitted) {
  ASSERT_EQ(Ask("open " + directory_.path() + "\n"), "ok");
  ASSERT_TRUE(process_->Send("begin\nput 61 31\nput xyz 32\nput 63 33\ncommit\n"));
  for (const char* start : {"ok", "ok", "err ", "err ", "err "}) {
    EXPECT_THAT(std::string(*process_->Receive()), StartsWith(start));
  }
  EXPECT_EQ(Ask("dump\n"), "end");
  EXPECT_EQ(Ask("begin\n"), "ok");
  EXPECT_EQ(Ask("put 61 31\n"), "ok");
  EXPECT_EQ(Ask("abort\n"), "ok");
  EXPECT_EQ(Ask("dump\n"), "end");
  EXPECT_EQ(Ask("close\n"), "ok");
}

// After 70 commits, of which an update has three, its page reclaimer deletes what is old from the
// tree of trees. Where that has more than one page, which is from 17 revisions on, it deletes the
// newest as well, and no revision is named until the next update.
TEST_F(MavibotDriverTest, AKillBetweenTwoUpdatesCanLoseEverything) {
  {
    const auto engine = NewEngine();
    ASSERT_TRUE(engine->Open());
    int updates = 0;
    for (; updates < 40 && Complaint(*engine).empty(); ++updates) {
      ASSERT_TRUE(engine->Apply({{{fmt::format("key{}", updates), "value"}}}));
    }
    EXPECT_EQ(Complaint(*engine), "the tree of trees does not name the tree kv, which is in use");
    EXPECT_EQ(Dump(*engine).size(), static_cast<size_t>(updates)) << "memory still has it";
    process_->GiveUp();
  }
  StartAgain();
  const auto after = NewEngine();
  ASSERT_TRUE(after->Open());
  EXPECT_THAT(Dump(*after), IsEmpty());
}

// Every update starts from the root that the last whole transaction has left.
TEST_F(MavibotDriverTest, OfATransactionOfSeveralUpdatesOnlyTheLastIsThere) {
  Use("mavibot:joined=1");
  const auto engine = NewEngine();
  ASSERT_TRUE(engine->Open());
  ASSERT_TRUE(engine->Apply({{{"a", "1"}, {"b", "2"}, {"c", "3"}}}));
  EXPECT_THAT(Dump(*engine), ElementsAre(Pair("c", "3")));
}

TEST_F(MavibotDriverTest, DamageIsAnErrorAndNotTheEndOfTheDriver) {
  {
    const auto engine = NewEngine();
    ASSERT_TRUE(engine->Open());
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(engine->Apply({{{fmt::format("key{}", i), "value"}}}));
    }
    ASSERT_TRUE(engine->Close());
  }
  const std::string sound = TextOfFile(path_);
  const auto restore = [&] { std::ofstream(path_, std::ios::binary) << sound; };
  const auto number = [&](size_t offset) {
    uint64_t value = 0;
    for (size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(sound[offset + i]);
    return value;
  };
  const uint64_t free_page = number(8);
  WriteNumber(free_page, free_page);
  EXPECT_THAT(Verdict(), HasSubstr("already read, there is a cycle"));
  restore();
  const uint64_t trees = number(16);
  WriteNumber(trees, trees);  // a chain of pages, which is followed until memory is full
  EXPECT_THAT(Verdict(), StartsWith("OutOfMemoryError"));
  restore();
  std::filesystem::resize_file(path_, 512);
  EXPECT_NE(Verdict(), "");
  restore();
  EXPECT_EQ(Verdict(), "");
  EXPECT_EQ(process_->how_it_ended(), Conversation::End::kAlive);
}

}  // namespace
}  // namespace plugpull
