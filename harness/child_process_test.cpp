// Goal: children start, are told apart by how they end, and do not outlive those who started them.
#include "harness/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults/trace/trace_file.h"
#include "harness/channel.h"
#include "harness/child.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

// A child that waits for requests, and our end of its channel.
struct Waiting {
  Waiting() {
    std::pair<Descriptor, Descriptor> ends = *Channel::MakePair();
    EXPECT_TRUE(WriteAll(trace.number(), EncodeTrace(Trace())));
    child = ChildProcess::Spawn(
        ChildArguments(ChildRole::kRecover, ends.second.number(), trace.number(), shared.number()),
        {ends.second.number(), trace.number(), shared.number()}, complaints.number());
    channel = std::move(ends.first);
  }
  Descriptor trace = *MakeMemoryFile("trace");
  Descriptor shared = *MakeMemoryFile("shared");
  Descriptor complaints = *MakeMemoryFile("stderr");
  Descriptor channel;
  Expected<ChildProcess> child = Fail(ErrorCode::kIo, "not started");
};

TEST(ChildExit, IsDescribedInWords) {
  EXPECT_EQ((ChildExit{.signaled = false, .code = 7}).Describe(), "exited with status 7");
  EXPECT_EQ((ChildExit{.signaled = true, .code = SIGSEGV}).Describe(),
            "died of signal 11 (Segmentation fault)");
}

TEST(ChildProcess, IsThisProgramAndItsStatusArrives) {
  const Descriptor complaints = *MakeMemoryFile("stderr");
  const auto status = [&](const std::vector<std::string>& arguments) {
    Expected<ChildProcess> child = ChildProcess::Spawn(arguments, {}, complaints.number());
    EXPECT_TRUE(child.has_value());
    EXPECT_GT(child->pid(), 0);
    const ChildExit end = child->Wait();
    EXPECT_FALSE(end.signaled);
    return end.code;
  };
  EXPECT_EQ(status({"--gtest_list_tests"}), 0);
  EXPECT_NE(status({"--gtest_filter=none", "--gtest_output=nonsense"}), -1);
}

TEST(ChildProcess, EndsWhenTheHarnessHangsUp) {
  Waiting waiting;
  ASSERT_TRUE(waiting.child.has_value());
  waiting.channel.Close();
  const ChildExit end = waiting.child->Wait();
  EXPECT_EQ(end.Describe(), "exited with status 0");
}

TEST(ChildProcess, IsKilledWhenAsked) {
  Waiting waiting;
  ASSERT_TRUE(waiting.child.has_value());
  waiting.child->Kill();
  const ChildExit end = waiting.child->Wait();
  EXPECT_TRUE(end.signaled);
  EXPECT_EQ(end.code, SIGKILL);
}

TEST(ChildProcess, IsKilledAndReapedWithItsOwner) {
  pid_t pid = 0;
  {
    const Waiting waiting;
    ASSERT_TRUE(waiting.child.has_value());
    pid = waiting.child->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);
}

TEST(ChildProcess, AProgramThatIsNotThereIsAnError) {
  SetChildProgram("/nonexistent/program");
  const Expected<ChildProcess> child = ChildProcess::Spawn({}, {}, 2);
  SetChildProgram("/proc/self/exe");
  ASSERT_FALSE(child.has_value());
  EXPECT_EQ(child.error().code, ErrorCode::kIo);
  EXPECT_THAT(child.error().context, HasSubstr("cannot start a child process"));
}

TEST(Child, IsKnownByItsArguments) {
  std::vector<std::string> words = ChildArguments(ChildRole::kRecord, 3, 4, -1);
  words.insert(words.begin(), "program");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  EXPECT_TRUE(IsChild(static_cast<int>(arguments.size()), arguments.data()));
  EXPECT_FALSE(IsChild(static_cast<int>(arguments.size()) - 1, arguments.data()));
  EXPECT_FALSE(IsChild(1, arguments.data()));
}

TEST(Record, InAChildGivesTheTraceThatItGivesHere) {
  for (const char* target : {"fragile_log", "cow_tree", "sqlite:journal=wal"}) {
    const RecordSettings settings{.target = target,
                                  .workload = "mixed",
                                  .options = {.seed = 5, .transactions = 6, .keys = 6}};
    const Expected<Trace> here = RecordHere(settings);
    const Expected<Trace> there = Record(settings);
    ASSERT_TRUE(here.has_value());
    ASSERT_TRUE(there.has_value()) << Describe(there.error());
    EXPECT_EQ(*here, *there) << target;
    const Expected<RecordSettings> back = RecordSettingsOf(*there);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->target, target);
    EXPECT_EQ(back->workload, "mixed");
    EXPECT_EQ(back->options.seed, 5u);
    EXPECT_EQ(back->options.keys, 6u);
    EXPECT_EQ(back->options.transactions, 6u);
  }
}

TEST(Record, GivenTransactionsDoWhatThoseOfTheWorkloadDo) {
  RecordSettings settings{.target = "cow_tree",
                          .workload = "mixed",
                          .options = {.seed = 5, .transactions = 6, .keys = 6}};
  const Expected<Trace> generated = RecordHere(settings);
  ASSERT_TRUE(generated.has_value());
  settings.given = generated->transactions;
  const Expected<Trace> here = RecordHere(settings);
  const Expected<Trace> there = Record(settings);
  ASSERT_TRUE(here.has_value());
  ASSERT_TRUE(there.has_value()) << Describe(there.error());
  EXPECT_EQ(*here, *there);
  EXPECT_EQ(here->ops, generated->ops);
  EXPECT_EQ(here->facts.at("workload"), kGivenWorkload);
  settings.given->pop_back();
  const Expected<Trace> fewer = Record(settings);
  ASSERT_TRUE(fewer.has_value()) << Describe(fewer.error());
  EXPECT_LT(fewer->ops.size(), generated->ops.size());
  const Expected<RecordSettings> back = RecordSettingsOf(*fewer);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->given, settings.given);
}

TEST(Record, WrongWordsAreErrorsWithAHint) {
  for (const auto& record : {RecordHere, Record}) {
    const Expected<Trace> target =
        record({.target = "cowtree", .workload = "mixed", .options = {}});
    ASSERT_FALSE(target.has_value());
    EXPECT_EQ(target.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(target.error().context, HasSubstr("did you mean 'cow_tree'?"));
  }
  const Expected<Trace> workload =
      RecordHere({.target = "cow_tree", .workload = "mixd", .options = {}});
  ASSERT_FALSE(workload.has_value());
  EXPECT_THAT(workload.error().context, HasSubstr("did you mean 'mixed'?"));
}

TEST(RecordSettingsOf, NeedsTheFactsOfTheRecording) {
  const Trace good = SmallTrace("fragile_log", 2);
  ASSERT_TRUE(RecordSettingsOf(good).has_value());
  for (const char* name : {"target", "workload", "seed", "keys"}) {
    Trace trace = good;
    trace.facts.erase(name);
    ASSERT_FALSE(RecordSettingsOf(trace).has_value()) << name;
    EXPECT_EQ(RecordSettingsOf(trace).error().code, ErrorCode::kCorrupt);
  }
  for (const char* number : {"", "x", "1x", "-1", "99999999999999999999"}) {
    Trace trace = good;
    trace.facts["seed"] = number;
    EXPECT_FALSE(RecordSettingsOf(trace).has_value()) << number;
  }
}

}  // namespace
}  // namespace plugpull
