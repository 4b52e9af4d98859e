// Goal: whatever a driver does instead of answering, the caller gets an error that says so, in
// time, and nothing of the driver stays behind. Method: shell scripts play the drivers. Deadlines
// are short where they must pass, long where not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <charconv>
#include <thread>

#include "engine/drivers/driver_testing.h"

namespace plugpull {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using End = Conversation::End;

class DriverProcessTest : public testing::Test {
 protected:
  // Starts a shell script as a driver.
  std::unique_ptr<DriverProcess> Start(std::string_view script, milliseconds limit = seconds(60)) {
    const std::string path = directory_.WriteScript("fake", fmt::format("#!/bin/sh\n{}\n", script));
    Expected<std::unique_ptr<DriverProcess>> process = DriverProcess::Start({{path}, {}});
    EXPECT_TRUE(process) << Describe(process.error());
    (*process)->SetDeadline(std::chrono::steady_clock::now() + limit);
    return std::move(*process);
  }

  // Returns: the answer, or the complaint.
  static std::string Ask(DriverProcess& process, std::string_view line) {
    if (const Expected<void> sent = process.Send(line); !sent) return Describe(sent.error());
    const Expected<std::string_view> answer = process.Receive();
    return answer ? std::string(*answer) : Describe(answer.error());
  }

  ScratchDirectory directory_;
};

// Returns: true when the process is gone, or about to be.
bool IsGone(std::string_view pid_text) {
  pid_t pid = 0;
  std::from_chars(pid_text.data(), pid_text.data() + pid_text.size(), pid);
  EXPECT_GT(pid, 1) << pid_text;
  for (int i = 0; i < 1000; ++i) {
    const std::string status = TextOfFile(fmt::format("/proc/{}/stat", pid));
    if (status.empty() || status.find(") Z") != std::string::npos) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

TEST_F(DriverProcessTest, TalksAndListens) {
  const auto process = Start("while read -r line; do echo \"you said $line\"; done");
  EXPECT_EQ(Ask(*process, "one\n"), "you said one");
  ASSERT_TRUE(process->Send("two\nthree\n"));
  EXPECT_EQ(*process->Receive(), "you said two");
  EXPECT_EQ(*process->Receive(), "you said three");
  EXPECT_EQ(process->how_it_ended(), End::kAlive);
}

TEST_F(DriverProcessTest, AProgramThatIsNotThereIsNamed) {
  const auto missing = DriverProcess::Start({{"/no/such/driver"}, {}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Describe(missing.error()), "cannot start /no/such/driver: No such file or directory");
  const auto folder = DriverProcess::Start({{directory_.path()}, {}});
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, ErrorCode::kIo);
  EXPECT_EQ(DriverProcess::Start({}).error().code, ErrorCode::kNotFound);
}

TEST_F(DriverProcessTest, ADeathAtTheStartSaysWhatWasOnStandardError) {
  const auto process = Start("echo one >&2; echo no such module >&2; exit 4");
  EXPECT_EQ(Ask(*process, "open x\n"), "fake exited with status 4: no such module");
  EXPECT_EQ(process->how_it_ended(), End::kExited);
  EXPECT_EQ(process->DescribeEnd(), "exited with status 4: no such module");
  EXPECT_EQ(Ask(*process, "open x\n"), "fake exited with status 4: no such module");
}

TEST_F(DriverProcessTest, AGoPanicIsFoundAboveItsTraces) {
  const auto process = Start(
      "read -r line\n"
      "printf 'warning\\npanic: page 3 already freed\\n\\ngoroutine 1:\\nmain.go:7\\n' >&2; exit "
      "2");
  EXPECT_EQ(Ask(*process, "open x\n"), "fake exited with status 2: panic: page 3 already freed");
}

TEST_F(DriverProcessTest, ADeathByASignalIsACrash) {
  const auto process = Start("read -r line; kill -SEGV $$");
  EXPECT_EQ(Ask(*process, "open x\n"), "fake died of signal 11 (Segmentation fault)");
  EXPECT_EQ(process->how_it_ended(), End::kCrashed);
}

TEST_F(DriverProcessTest, AnswersBeforeADeathAreHeard) {
  const auto process = Start("read -r line; echo ok; echo second; exit 1");
  EXPECT_EQ(Ask(*process, "begin\n"), "ok");
  EXPECT_EQ(*process->Receive(), "second");
  EXPECT_THAT(Describe(process->Receive().error()), EndsWith("exited with status 1"));
}

TEST_F(DriverProcessTest, WhoHangsIsKilledAtTheDeadlineWithItsChildren) {
  const auto process = Start("read -r line; sleep 1000 & echo $!; wait", seconds(60));
  const std::string child = Ask(*process, "open x\n");
  process->SetDeadline(std::chrono::steady_clock::now() + milliseconds(50));
  EXPECT_EQ(Ask(*process, "check\n"), "fake took too long and was killed");
  EXPECT_EQ(process->how_it_ended(), End::kTimedOut);
  EXPECT_TRUE(IsGone(child));
}

TEST_F(DriverProcessTest, WhoDoesNotReadIsKilledAtTheDeadline) {
  const auto process = Start("sleep 1000", milliseconds(50));
  const Expected<void> sent = process->Send(std::string(1 << 20, 'x') + "\n");
  ASSERT_FALSE(sent);
  EXPECT_EQ(process->how_it_ended(), End::kTimedOut);
}

TEST_F(DriverProcessTest, WhoTalksForEverWithoutALineIsEnded) {
  const auto process = Start("read -r line; exec tr '\\0' x < /dev/zero");
  EXPECT_EQ(Ask(*process, "open x\n"), "fake said more than 67108864 bytes at once and was killed");
  EXPECT_EQ(process->how_it_ended(), End::kCrashed);
}

TEST_F(DriverProcessTest, WhoSaysTooMuchIsEnded) {
  const auto process = Start("read -r line; printf 'ok\\nok, I think\\n'; read -r line; echo ok");
  EXPECT_EQ(Ask(*process, "open x\n"), "ok");
  EXPECT_EQ(Ask(*process, "check\n"), "fake said 'ok, I think' without being asked");
  EXPECT_EQ(process->how_it_ended(), End::kCrashed);
}

TEST_F(DriverProcessTest, WhoClosesItsOutputIsEnded) {
  const auto process = Start("read -r line; exec >&-; exec sleep 1000");
  EXPECT_EQ(Ask(*process, "open x\n"), "fake closed its standard output and was killed");
  EXPECT_EQ(process->how_it_ended(), End::kCrashed);
}

TEST_F(DriverProcessTest, AnEndIsNoticedThoughAChildHoldsTheOutputOpen) {
  const auto process = Start("read -r line; sleep 1000 & echo $!; read -r line; exit 7");
  const std::string child = Ask(*process, "open x\n");
  EXPECT_EQ(Ask(*process, "check\n"), "fake exited with status 7");
  EXPECT_TRUE(IsGone(child));
}

TEST_F(DriverProcessTest, NoisyStandardErrorBlocksNobody) {
  const auto process =
      Start("while read -r line; do head -c 1000000 /dev/zero | tr '\\0' x >&2; echo ok; done");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(*process, "check\n"), "ok");
}

TEST_F(DriverProcessTest, ManyAnswersWhileSendingBlockNobody) {
  const auto process = Start("exec cat");
  std::string lines;
  for (int i = 0; i < 200'000; ++i) lines += "0123456789\n";  // far more than two pipes hold
  ASSERT_TRUE(process->Send(lines));
  for (int i = 0; i < 200'000; ++i) ASSERT_EQ(*process->Receive(), "0123456789");
}

TEST_F(DriverProcessTest, NothingStaysBehind) {
  std::string child;
  std::string own;
  {
    const auto process = Start("read -r line; sleep 1000 & echo $!; read -r line; echo $$; wait");
    child = Ask(*process, "open x\n");
    own = Ask(*process, "check\n");
  }
  EXPECT_TRUE(IsGone(child));
  EXPECT_TRUE(IsGone(own));
}

TEST_F(DriverProcessTest, GivingUpEndsIt) {
  const auto process = Start("while read -r line; do echo ok; done");
  EXPECT_EQ(Ask(*process, "open x\n"), "ok");
  process->GiveUp();
  EXPECT_EQ(process->how_it_ended(), End::kCrashed);
  EXPECT_EQ(Ask(*process, "check\n"), "fake was ended because of its last answer");
}

TEST_F(DriverProcessTest, InheritsNothingButItsPipes) {
  constexpr int kLeftOpen = 177;
  ASSERT_EQ(::dup2(STDERR_FILENO, kLeftOpen), kLeftOpen);  // without close-on-exec
  const auto process = Start("read -r line; echo /proc/self/fd/*");
  const std::string open = Ask(*process, "open x\n");
  EXPECT_THAT(open, StartsWith("/proc/self/fd/0 /proc/self/fd/1 "));
  EXPECT_THAT(open, testing::Not(HasSubstr(std::to_string(kLeftOpen))));
  ::close(kLeftOpen);
}

}  // namespace
}  // namespace plugpull
