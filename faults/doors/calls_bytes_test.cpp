// Goal: each call that changes bytes or sizes is recorded as what it did, and does for the program
// what it would have done alone. Method: the test program plays a scenario that checks the results
// of its calls itself; here its trace is compared, operation by operation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "faults/doors/recorded_scenario.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::IsSubsetOf;

using CallsBytes = TracedTest;

std::vector<std::string> OpsOf(const ScenarioPlace& place, const std::string& scenario) {
  return OpLines(RecordScenario(place, scenario).recording.trace);
}

TEST_F(CallsBytes, Writes) {
  EXPECT_THAT(OpsOf(place_, "writes"),
              ElementsAre("create #2 #1/f", "write #2 0+3 'one'", "write #2 3+3 'two'",
                          "write #2 10+1 'X'", "write #2 6+5 'abcde'", "write #2 20+5 'abcde'",
                          "write #2 30+5 'abcde'", "sync-write #2 30+5", "write #2 11+2 'ab'"));
}

TEST_F(CallsBytes, Appends) {
  EXPECT_THAT(OpsOf(place_, "appends"),
              ElementsAre("create #2 #1/f", "write #2 0+3 'one'", "write #2 3+3 'two'",
                          "write #2 6+1 'X'", "write #2 7+2 'yz'"));
}

TEST_F(CallsBytes, SynchronousWritesAreTwoOperations) {
  EXPECT_THAT(OpsOf(place_, "synced-writes"),
              ElementsAre("create #2 #1/full", "write #2 0+1 'a'", "sync-write #2 0+1 flags 8",
                          "create #3 #1/data", "write #3 0+1 'b'", "sync-write #3 0+1",
                          "create #4 #1/plain", "write #4 5+1 'c'", "sync-write #4 5+1 flags 8"));
}

TEST_F(CallsBytes, DirectWrites) {
  EXPECT_THAT(OpsOf(place_, "direct-writes"),
              ElementsAre("create #2 #1/f", "write #2 4096+8192 flags 2"));
}

TEST_F(CallsBytes, PositionsAreTheOpenFiles) {
  EXPECT_THAT(OpsOf(place_, "shared-offsets"),
              ElementsAre("create #2 #1/f", "write #2 0+2 'aa'", "write #2 2+2 'bb'",
                          "write #2 0+1 'c'", "write #2 4+2 'dd'"));
}

TEST_F(CallsBytes, Sizes) {
  EXPECT_THAT(OpsOf(place_, "sizes"),
              ElementsAre("create #2 #1/f", "write #2 0+10 '0123456789'", "truncate #2 4",
                          "truncate #2 100", "allocate #2 0+5000", "allocate #2 0+50000 flags 16",
                          "allocate #2 1+2 flags 48"));
}

TEST_F(CallsBytes, Holes) {
  EXPECT_THAT(OpsOf(place_, "holes"),
              ElementsAre("create #2 #1/f", "write #2 1048576+3 'end'", "truncate #2 3145728",
                          "write #2 100000+3 'mid'"));
}

TEST_F(CallsBytes, CallsThatFailChangeNothing) {
  EXPECT_THAT(OpsOf(place_, "failing-writes"), ElementsAre("create #2 #1/f"));
  EXPECT_THAT(OpsOf(ScenarioPlace(), "half-buffers"),
              ElementsAre("create #2 #1/f", "write #2 0+96"));
}

TEST_F(CallsBytes, LimitsOnSizesAreTheProgramsOwn) {
  EXPECT_THAT(OpsOf(place_, "limited-sizes"),
              ElementsAre("create #2 #1/f", "write #2 0+10 '0123456789'"));
}

TEST_F(CallsBytes, AppendsOfFourThreadsAreInTheirOrder) {
  const RecordedScenario run = RecordScenario(place_, "append-threads");
  const Trace& trace = run.recording.trace;
  ASSERT_EQ(trace.ops.size(), 20'001u);
  std::map<char, int> next;
  for (size_t i = 1; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    ASSERT_EQ(op.kind, OpKind::kWrite);
    ASSERT_EQ(op.offset_bytes, (i - 1) * 9);
    const std::string text(AsText(trace.Payload(op)));
    ASSERT_EQ(text, fmt::format("t{} {:05}\n", text[1], next[text[1]]++));
  }
  for (char thread : {'0', '1', '2', '3'}) EXPECT_EQ(next[thread], 5000) << thread;
}

TEST_F(CallsBytes, SignalsRepeatNoWrite) {
  const RecordedScenario run = RecordScenario(place_, "signals");
  const Trace& trace = run.recording.trace;
  ASSERT_EQ(trace.ops.size(), 5'001u);
  for (size_t i = 1; i < trace.ops.size(); ++i) {
    EXPECT_EQ(AsText(trace.Payload(trace.ops[i])), fmt::format("{:06}\n", i - 1));
  }
}

TEST_F(CallsBytes, CopiesInsideTheKernel) {
  EXPECT_THAT(OpsOf(place_, "copy-file-range"),
              ElementsAre("create #2 #1/source", "write #2 0+10 '0123456789'",
                          "create #3 #1/target", "write #3 0+3 '234'", "write #3 20+3 '789'"));
  EXPECT_THAT(OpsOf(ScenarioPlace(), "sendfile"),
              ElementsAre("create #2 #1/source", "write #2 0+10 '0123456789'",
                          "create #3 #1/target", "write #3 0+4 '2345'", "write #3 4+2 '01'"));
  EXPECT_THAT(OpsOf(ScenarioPlace(), "splice"), ElementsAre("create #2 #1/target"));
}

TEST_F(CallsBytes, Clones) {
  // Few file systems can; where they cannot, the program is told so.
  EXPECT_THAT(OpsOf(place_, "clone"),
              IsSubsetOf({"create #2 #1/source", "write #2 0+10 '0123456789'",
                          "create #3 #1/target", "clone #3 other #2 0+10 '0123456789'"}));
}

}  // namespace
}  // namespace plugpull
