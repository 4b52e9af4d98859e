// Goal: whole programs, of several processes, are recorded to their end; whoever serves them hears
// of lines, ends and blindness; and a recording says where it does not match its directory.
#include "faults/doors/traced_program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "faults/doors/recorded_scenario.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/materialise.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using Event = TracedProgram::Event;
using Traced = TracedTest;

std::vector<std::string> OpsOf(const ScenarioPlace& place, const std::string& scenario) {
  return OpLines(RecordScenario(place, scenario).recording.trace);
}

std::string ErrorOf(const ScenarioPlace& place, const std::string& scenario) {
  return RecordToEnd(place.Settings(scenario)).error;
}

TEST_F(Traced, MoreProcessesThanWeMayHaveDescriptors) {
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = 64, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const RecordedScenario run = RecordScenario(place_, "many-processes");
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(run.recording.trace.ops.size(), 101U);
}

// No crash leaves a file and loses the mode that it was made with.
TEST_F(Traced, ModesOfCreationComeWithTheFile) {
  TracedSettings settings = place_.Settings("");
  settings.arguments = {"/bin/sh", "-c", "umask 077; mkdir p; echo x > p/s; umask 022; echo y > q"};
  const RecordedScenario recorded = RecordToEnd(settings);
  ASSERT_EQ(recorded.error, "");
  EXPECT_EQ(recorded.recording.difference, "");
  const Trace& trace = recorded.recording.trace;
  const Image image = Materialise(trace, trace.ops.size(), {}, Tear::kNone);
  const auto mode_of = [&image](const char* path) {
    const auto attributes = image.attributes.find(*image.names.Resolve(path));
    return attributes == image.attributes.end() ? "" : attributes->second.at("mode");
  };
  EXPECT_EQ(mode_of("p"), "0700");
  EXPECT_EQ(mode_of("p/s"), "0600");
  EXPECT_EQ(mode_of("q"), "");
  CrashCursor cursor(trace, *FindModel("posix-minimal"));
  cursor.AdvanceTo(trace.ops.size());
  EXPECT_EQ(cursor.durable().attributes.at(*image.names.Resolve("p/s")).at("mode"), "0600");
}

TEST_F(Traced, ChildrenAndTheirPrograms) {
  EXPECT_THAT(OpsOf(place_, "fork-exec"),
              ElementsAre("create #2 #1/f", "write #2 0+7 'parent '", "write #2 7+6 'child '",
                          "write #2 13+8 'program '", "write #2 21+5 'again'"));
  EXPECT_THAT(OpsOf(ScenarioPlace(), "missing-program"),
              ElementsAre("create #2 #1/after", "write #2 0+1 'x'"));
}

TEST_F(Traced, PassedDescriptors) {
  EXPECT_THAT(OpsOf(place_, "passed-descriptor"),
              ElementsAre("create #2 #1/f", "write #2 0+6 'passed'"));
}

TEST_F(Traced, DaemonsAreWaitedFor) {
  EXPECT_THAT(OpsOf(place_, "daemon"), ElementsAre("create #2 #1/late", "write #2 0+6 'daemon'"));
}

TEST_F(Traced, SyncsAreRecordedWithOrWithoutTheDisk) {
  const auto matcher =
      ElementsAre("create #2 #1/f", "write #2 0+10 '0123456789'", "sync #2", "data-sync #2",
                  "sync-range #2 2+3", "sync-range #2 4+6", "sync-directory #1",
                  "sync-directory #1", "sync-all", "sync-all");
  EXPECT_THAT(OpsOf(place_, "syncs"), matcher);
  const ScenarioPlace other;
  TracedSettings settings = other.Settings("syncs");
  settings.real_sync = true;
  EXPECT_THAT(OpLines(RecordToEnd(settings).recording.trace), matcher);
}

TEST_F(Traced, StoresToMappingsComeBeforeTheCallAfterThem) {
  EXPECT_THAT(
      OpsOf(place_, "mapped"),
      ElementsAre("create #2 #1/f", "truncate #2 16384", "write #2 4096+4096 flags 1",
                  "sync-mapped #2 4096+4096", "write #2 0+4096 flags 1", "sync-range #2 0+16384",
                  "write #2 9000+1 'w'", "write #2 8192+4096 flags 1"));
}

TEST_F(Traced, LinesAreEventsAtTheVeryCall) {
  auto program = TracedProgram::Start(place_.Settings("lines"));
  ASSERT_TRUE(program) << Describe(program.error());
  uint32_t number = 0;
  std::vector<std::string> lines;
  for (auto event = (*program)->Serve(); event != Event::kEnded; event = (*program)->Serve()) {
    ASSERT_TRUE(event) << Describe(event.error());
    ASSERT_EQ(*event, Event::kLine);
    lines.push_back((*program)->TakeLine());
    (*program)->Begin(++number);
    (*program)->Acknowledge(number);
  }
  EXPECT_THAT(lines, ElementsAre("one", "two", "three", "four"));
  const auto recording = (*program)->Finish();
  ASSERT_TRUE(recording);
  EXPECT_EQ(recording->difference, "");
  EXPECT_THAT(
      OpLines(recording->trace),
      ElementsAre("create #2 #1/f", "write #2 0+1 'a'", "begin 1", "acknowledge 1", "begin 2",
                  "acknowledge 2", "write #2 1+1 'b'", "write #2 2+1 'c'", "begin 3",
                  "acknowledge 3", "write #2 3+1 'd'", "begin 4", "acknowledge 4"));
}

TEST_F(Traced, ProgramsAreSpokenTo) {
  TracedSettings settings = place_.Settings("echo");
  settings.has_input = true;
  auto program = TracedProgram::Start(settings);
  ASSERT_TRUE(program);
  for (const std::string word : {"x", "y"}) {
    ASSERT_TRUE((*program)->Say(word + "\n"));
    ASSERT_EQ((*program)->Serve(), Event::kLine);
    EXPECT_EQ((*program)->TakeLine(), "got " + word);
  }
  (*program)->HangUp();
  EXPECT_EQ((*program)->Serve(), Event::kEnded);
  EXPECT_EQ((*program)->Exit().Describe(), "exited with status 0");
  EXPECT_THAT(OpLines((*program)->Finish()->trace),
              ElementsAre("create #2 #1/f", "write #2 0+2 'x\n'", "write #2 2+2 'y\n'"));
}

TEST_F(Traced, DeathsAreDescribed) {
  EXPECT_EQ(RecordToEnd(place_.Settings("die")).exit.Describe(), "died of signal 6 (Aborted)");
}

TEST_F(Traced, ACallWaitsForAWordOnTheWatchedDescriptor) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  auto program = TracedProgram::Start(place_.Settings("lines"));
  ASSERT_TRUE(program);
  ASSERT_EQ(write(ends[1], "!", 1), 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ((*program)->Serve({}, ends[0]), Event::kReadable);
  (*program)->Begin(1);
  char byte = 0;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);
  EXPECT_EQ((*program)->Serve({}, ends[0]), Event::kLine);
  (*program)->Kill();
  EXPECT_EQ((*program)->TakeLine(), "one");
  close(ends[0]);
  close(ends[1]);
}

TEST_F(Traced, DeadlinesAndTheEndOfProgramsThatNeverEnd) {
  auto program = TracedProgram::Start(place_.Settings("forever"));
  ASSERT_TRUE(program);
  const auto soon = TracedProgram::Clock::now() + std::chrono::milliseconds(50);
  EXPECT_EQ((*program)->Serve(soon), Event::kDeadline);
  (*program)->Kill();
  EXPECT_EQ((*program)->Serve(), Event::kEnded);
  EXPECT_EQ((*program)->Exit().Describe(), "died of signal 9 (Killed)");
  const auto recording = (*program)->Finish();
  ASSERT_TRUE(recording);
  EXPECT_EQ(recording->difference, "");
}

TEST_F(Traced, SignalsReachTheFirstProcess) {
  auto program = TracedProgram::Start(place_.Settings("echo"));
  ASSERT_TRUE(program);
  (*program)->Signal(SIGKILL);
  EXPECT_EQ((*program)->Serve(), Event::kEnded);
  EXPECT_EQ((*program)->Exit().code, SIGKILL);
}

TEST_F(Traced, WhatWasThereBeforeIsASnapshot) {
  std::ofstream(place_.recorded() + "/f") << "before";
  TracedSettings settings = place_.Settings("unlinked-file");
  const RecordedScenario run = RecordToEnd(settings);
  EXPECT_EQ(run.recording.difference, "");
  EXPECT_THAT(OpLines(run.recording.trace),
              ElementsAre("create #2 #1/f", "write #2 0+6 'before'", "sync-all", "unlink #2 #1/f",
                          "write #2 0+5 'ghost'", "create #3 #1/f", "write #3 0+3 'new'",
                          "write #2 5+1 's'"));
}

TEST_F(Traced, ADifferenceIsSaid) {
  auto program = TracedProgram::Start(place_.Settings("writes"));
  ASSERT_TRUE(program);
  ASSERT_EQ((*program)->Serve(), Event::kEnded);
  std::ofstream(place_.recorded() + "/f", std::ios::in | std::ios::out) << "Z";
  const auto recording = (*program)->Finish();
  ASSERT_TRUE(recording);
  EXPECT_THAT(recording->difference, HasSubstr("f"));
  EXPECT_NE(recording->difference, "");
}

TEST_F(Traced, WhatCannotBeSeenIsAnError) {
  EXPECT_THAT(ErrorOf(place_, "foreign"), HasSubstr("32-bit"));
  EXPECT_THAT(ErrorOf(place_, "foreign-x32"), HasSubstr("32-bit"));
  EXPECT_THAT(ErrorOf(place_, "second-listener"), HasSubstr("supervise calls of its own"));
  EXPECT_THAT(ErrorOf(place_, "own-root"), HasSubstr("root directory"));
  EXPECT_EQ(ErrorOf(place_, "refused"), "");
  EXPECT_THAT(OpsOf(ScenarioPlace(), "own-filter"), ElementsAre("create #2 #1/f"));
}

TEST_F(Traced, InvisibleProgramsAreAnErrorUnlessWeAreRoot) {
  const RecordedScenario run = RecordToEnd(place_.Settings("not-dumpable"));
  if (geteuid() == 0) {
    EXPECT_EQ(run.error, "");
    EXPECT_THAT(OpLines(run.recording.trace), ElementsAre("create #2 #1/f", "write #2 0+4 'seen'"));
  } else {
    EXPECT_THAT(run.error, HasSubstr("PR_SET_DUMPABLE"));
  }
}

TEST_F(Traced, MistakesOfTheUserAreNamed) {
  TracedSettings settings = place_.Settings("writes");
  settings.arguments = {"/does/not/exist"};
  auto program = TracedProgram::Start(settings);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(program.error().context, HasSubstr("/does/not/exist"));
  settings = place_.Settings("writes");
  settings.directory += "/none";
  EXPECT_EQ(TracedProgram::Start(settings).error().code, ErrorCode::kNotFound);
  settings = place_.Settings("writes");
  settings.user = "nobody-of-that-name";
  EXPECT_EQ(TracedProgram::Start(settings).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Traced, ProgramsRunAsAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(chown(place_.recorded().c_str(), 65534, 65534), 0);
  std::filesystem::permissions(std::filesystem::path(place_.recorded()).parent_path(),
                               std::filesystem::perms(0755));
  TracedSettings settings = place_.Settings("writes");
  settings.user = "nobody";
  const RecordedScenario run = RecordToEnd(settings);
  if (run.error.starts_with("cannot run")) GTEST_SKIP() << "the test program is not everybody's";
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.exit.Describe(), "exited with status 0");
  EXPECT_EQ(run.recording.difference, "");
  struct stat status = {};
  ASSERT_EQ(stat((place_.recorded() + "/f").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 65534u);
}

}  // namespace
}  // namespace plugpull
