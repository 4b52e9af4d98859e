// Goal: calls fail exactly where the plan says, the program sees it, and the trace says what did
// not happen. Method: a scenario prints what its calls return.
#include "faults/doors/call_failures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/doors/call_failure_text.h"
#include "faults/doors/recorded_scenario.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using CallFailing = TracedTest;

RecordedScenario RecordFailing(const ScenarioPlace& place, std::string_view plan) {
  TracedSettings settings = place.Settings("told");
  const Expected<FailurePlan> parsed = ParseCallFailure(plan);
  EXPECT_TRUE(parsed) << Describe(parsed.error());
  settings.failures = parsed.value_or(FailurePlan{});
  RecordedScenario run = RecordToEnd(settings);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.recording.difference, "");
  return run;
}

TEST_F(CallFailing, AFailedSyncIsSeenAndRecorded) {
  const RecordedScenario run = RecordFailing(place_, "fdatasync:2=EIO");
  EXPECT_THAT(run.lines, ElementsAre("write 10", "write 10", "write 10", "fdatasync 0",
                                     "fdatasync Input/output error", "fdatasync 0", "rename 0",
                                     "open 4", "unlink 0"));
  EXPECT_THAT(run.recording.failures_fired, ElementsAre(1u));
  const std::vector<std::string> ops = OpLines(run.recording.trace);
  EXPECT_EQ(ops[4], "data-sync #2");
  EXPECT_EQ(ops[5], "data-sync #2 0+0 errno 5");
  EXPECT_EQ(ops[6], "data-sync #2");
}

TEST_F(CallFailing, WritesFailAndAreCutShort) {
  const RecordedScenario run = RecordFailing(place_, "write:2=ENOSPC,write@da*:3=short(4)");
  EXPECT_EQ(run.lines[0], "write 10");
  EXPECT_EQ(run.lines[1], "write No space left on device");
  EXPECT_EQ(run.lines[2], "write 4");
  EXPECT_THAT(run.recording.failures_fired, ElementsAre(1u, 1u));
  const std::vector<std::string> ops = OpLines(run.recording.trace);
  EXPECT_EQ(ops[1], "write #2 0+10 '0123456789'");
  EXPECT_EQ(ops[2], "write #2 10+4 '0123'");
}

TEST_F(CallFailing, FromOneOnAndOnPathsAlone) {
  const RecordedScenario run =
      RecordFailing(place_, "fdatasync:2+=EIO,open*@*-wal=EROFS,rename=EACCES,unlink@x=EIO");
  EXPECT_THAT(run.lines, ElementsAre("write 10", "write 10", "write 10", "fdatasync 0",
                                     "fdatasync Input/output error", "fdatasync Input/output error",
                                     "rename Permission denied", "open Read-only file system",
                                     "unlink No such file or directory"));
  EXPECT_THAT(run.recording.failures_fired, ElementsAre(2u, 1u, 1u, 0u));
}

TEST_F(CallFailing, ALateFailureIsReportedByTheNextSync) {
  const RecordedScenario run =
      RecordFailing(place_, "fail(point=call/fdatasync,call=1,errno=EIO,aftermath=late)");
  EXPECT_EQ(run.lines[3], "fdatasync 0");
  EXPECT_EQ(run.lines[4], "fdatasync Input/output error");
  const std::vector<std::string> ops = OpLines(run.recording.trace);
  EXPECT_EQ(ops[4], fmt::format("data-sync #2 flags {}", uint32_t{kDroppedLate}));
  EXPECT_EQ(ops[5], fmt::format("data-sync #2 0+0 flags {} errno 5", uint32_t{kNothingDropped}));
}

TEST_F(CallFailing, AftermathsThatNoProgramCanHaveAreRefused) {
  TracedSettings settings = place_.Settings("told");
  settings.failures = *ParseCallFailure("fail(point=call/fsync,call=1,errno=EIO,aftermath=revert)");
  EXPECT_THAT(RecordToEnd(settings).error, HasSubstr("needs the linked door"));
}

}  // namespace
}  // namespace plugpull
