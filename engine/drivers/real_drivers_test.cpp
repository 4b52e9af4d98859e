// Goal: each driver that comes with plugpull keeps what it is told, for thousands of stores in one
// process, and tells what it cannot do.
// Method: the real programs on real directories, every option of each. What this machine has not
// got is skipped by name.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/drivers/driver_testing.h"
#include "engine/drivers/program_type.h"
#include "engine/registry.h"
#include "engine/target.h"

namespace plugpull {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class RealDriverTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const Expected<Target> target = ParseTarget(GetParam());
    ASSERT_TRUE(target) << Describe(target.error());
    const Expected<DriverProgram> program = target->Program();
    if (!program) GTEST_SKIP() << Describe(program.error());
    program_ = *program;
    process_ = StartAgain();
    if (GetParam() != "python:store=gnu" || Open()->Open()) return;
    GTEST_SKIP() << "python3 has no dbm.gnu; install python3-gdbm";
  }

  std::unique_ptr<DriverProcess> StartAgain() const {
    Expected<std::unique_ptr<DriverProcess>> process = DriverProcess::Start(program_);
    EXPECT_TRUE(process) << Describe(process.error());
    (*process)->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(100));
    return std::move(*process);
  }

  std::unique_ptr<Engine> Open() const {
    return MakeDriverEngine(*process_, directory_.path(), program_);
  }

  // dbm.dumb promises nothing to a program that does not close.
  bool HasTransactions() const { return !GetParam().starts_with("python:store="); }

  ScratchDirectory directory_;
  DriverProgram program_;
  std::unique_ptr<DriverProcess> process_;
};

template <typename T>
std::string Complaint(const Expected<T>& result) {
  return result ? "" : Describe(result.error());
}

Contents Dump(Engine& engine) {
  CollectPairs pairs;
  EXPECT_EQ(Complaint(engine.Scan(pairs)), "");
  EXPECT_EQ(pairs.pairs, pairs.contents.size()) << "a key twice";
  return pairs.contents;
}

void ExpectSound(Engine& engine) {
  const Expected<CheckReport> report = engine.Check();
  ASSERT_TRUE(report) << Complaint(report);
  EXPECT_THAT(report->structure, IsEmpty());
  EXPECT_THAT(report->leaks, IsEmpty());
}

TEST_P(RealDriverTest, AFreshStoreIsEmptyAndSound) {
  const auto engine = Open();
  ASSERT_EQ(Complaint(engine->Open()), "");
  EXPECT_THAT(Dump(*engine), IsEmpty());
  ExpectSound(*engine);
  EXPECT_EQ(Complaint(engine->Close()), "");
}

TEST_P(RealDriverTest, KeepsWhatItIsToldAcrossReopening) {
  Contents expected;
  for (int round = 0; round < 5; ++round) {
    const auto engine = Open();
    ASSERT_EQ(Complaint(engine->Open()), "");
    EXPECT_EQ(Dump(*engine), expected);
    ExpectSound(*engine);
    for (int i = 0; i < 20; ++i) {
      const std::string key = fmt::format("key {}", (i * 7 + round) % 30) + '\xff';
      const std::string big(static_cast<size_t>(i) * 300, static_cast<char>(i));  // several pages
      Transaction transaction;
      transaction.changes = {
          {key, big}, {"k\n", std::string(1, '\0')}, {"not there", std::nullopt}};
      expected[key] = big;
      expected["k\n"] = std::string(1, '\0');
      if (i % 5 == 4) {
        transaction.changes.push_back({expected.begin()->first, std::nullopt});
        expected.erase(expected.begin());
      }
      ASSERT_EQ(Complaint(engine->Apply(transaction)), "");
    }
    EXPECT_EQ(Dump(*engine), expected);
    ExpectSound(*engine);
    if (round % 2 == 0) {
      ASSERT_EQ(Complaint(engine->Close()), "");
    }
  }
}

TEST_P(RealDriverTest, KeepsWhatWasCommittedWhenItIsKilled) {
  if (!HasTransactions()) GTEST_SKIP() << "this store promises nothing before it is closed";
  {
    const auto engine = Open();
    ASSERT_EQ(Complaint(engine->Open()), "");
    ASSERT_EQ(Complaint(engine->Apply({{{"a", "1"}}})), "");
    ASSERT_TRUE(process_->Send("begin\nput 62 32\n"));
    ASSERT_EQ(*process_->Receive(), "ok");
    ASSERT_EQ(*process_->Receive(), "ok");
    process_->GiveUp();
  }
  process_ = StartAgain();
  const auto engine = Open();
  ASSERT_EQ(Complaint(engine->Open()), "");
  EXPECT_EQ(Dump(*engine), (Contents{{"a", "1"}}));
  ExpectSound(*engine);
}

std::string Ask(DriverProcess& process, std::string_view line) {
  EXPECT_TRUE(process.Send(line));
  const Expected<std::string_view> answer = process.Receive();
  return answer ? std::string(*answer) : Describe(answer.error());
}

TEST_P(RealDriverTest, AFailedChangeIsNotCommitted) {
  ASSERT_EQ(Complaint(Open()->Open()), "");
  std::string line = "open " + directory_.path();
  for (const std::string& word : program_.open_words) line += " " + word;
  ASSERT_EQ(Ask(*process_, line + "\n"), "ok");
  ASSERT_TRUE(process_->Send("begin\nput 61 31\nput xyz 32\nput 63 33\ncommit\n"));
  for (const char* start : {"ok", "ok", "err ", "err ", "err "}) {
    EXPECT_THAT(std::string(*process_->Receive()), testing::StartsWith(start));
  }
  EXPECT_EQ(Ask(*process_, "dump\n"), "end");
  EXPECT_EQ(Ask(*process_, "begin\n"), "ok");
  EXPECT_EQ(Ask(*process_, "put 61 31\n"), "ok");
  EXPECT_EQ(Ask(*process_, "abort\n"), "ok");
  EXPECT_EQ(Ask(*process_, "dump\n"), "end");
  EXPECT_EQ(Ask(*process_, "close\n"), "ok");
}

TEST_P(RealDriverTest, NonsenseIsAnsweredWithAnError) {
  for (const char* line : {"\n", "what\n", "open\n", "put 61 31\n", "commit\n", "dump\n", "close\n",
                           "repair\n", "begin\n"}) {
    EXPECT_THAT(Ask(*process_, line), testing::StartsWith("err ")) << line;
  }
  EXPECT_THAT(Ask(*process_, "open " + directory_.path() + " no_such_option=1\n"),
              testing::AllOf(testing::StartsWith("err "), HasSubstr("no_such_option")));
  EXPECT_EQ(Ask(*process_, "quit\n"), "ok");
  EXPECT_FALSE(process_->Receive());
  EXPECT_EQ(process_->DescribeEnd(), "exited with status 0");
}

TEST_P(RealDriverTest, OpensThousandsOfStoresInOneProcess) {
  {
    const auto engine = Open();
    ASSERT_TRUE(engine->Open());
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(engine->Apply({{{fmt::format("key{}", i), std::string(500, 'v')}}}));
    }
  }
  const int rounds = GetParam().starts_with("python") ? 500 : 3000;
  for (int i = 0; i < rounds; ++i) {
    const auto engine = Open();
    ASSERT_EQ(Complaint(engine->Open()), "") << i;
    ASSERT_EQ(Dump(*engine).size(), 10U) << i;
    ASSERT_TRUE(engine->Check()) << i;
  }
  ASSERT_EQ(process_->how_it_ended(), Conversation::End::kAlive);
}

std::vector<std::string> EveryOption() {
  std::vector<std::string> texts;
  for (const EngineType* type : {&BboltType(), &LmdbType(), &PythonType()}) {
    texts.emplace_back(type->name());
    for (const OptionSpec& option : type->options()) {
      std::vector<std::string> values = option.values;
      if (values.empty()) values = {fmt::to_string(option.maximum)};
      for (const std::string& value : values) {
        if (value == option.default_value) continue;
        texts.push_back(fmt::format("{}:{}={}", type->name(), option.name, value));
      }
    }
  }
  texts.emplace_back("lmdb:writemap=1,mapasync=1");
  return texts;
}

INSTANTIATE_TEST_SUITE_P(Targets, RealDriverTest, testing::ValuesIn(EveryOption()),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace_if(
                               name, [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace plugpull
