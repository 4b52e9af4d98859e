#include "harness/program_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plugpull {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Op Mark(OpKind kind, uint32_t transaction) { return {.kind = kind, .transaction = transaction}; }

// A trace of writes ('w') and of lines ('l'), in this order.
Trace Story(const std::string& story) {
  Trace trace;
  std::vector<std::string> lines;
  for (const char c : story) {
    if (c == 'w') {
      trace.ops.push_back({.kind = OpKind::kTruncate, .inode = 2});
      continue;
    }
    lines.push_back(std::string(1, static_cast<char>('a' + lines.size())));
    const auto number = static_cast<uint32_t>(lines.size());
    trace.ops.push_back(Mark(OpKind::kBegin, number));
    trace.ops.push_back(Mark(OpKind::kAcknowledge, number));
  }
  trace.transactions = TransactionsOf(lines);
  return trace;
}

TEST(ProgramNotes, LinesAreTransactions) {
  const std::vector<Transaction> transactions = TransactionsOf({"one", "two"});
  ASSERT_EQ(transactions.size(), 2U);
  ASSERT_EQ(transactions[1].changes.size(), 1U);
  EXPECT_EQ(transactions[1].changes[0].key, "two");
}

TEST(ProgramNotes, MarksAloneAreNothingCaptured) {
  EXPECT_FALSE(HasCaptured(Story("")));
  EXPECT_FALSE(HasCaptured(Story("ll")));
  EXPECT_TRUE(HasCaptured(Story("lw")));
}

TEST(ProgramNotes, SilenceAndBufferedOutputAreNoted) {
  EXPECT_THAT(NotesOnLines(Story("w")), ElementsAre(HasSubstr("printed no line")));
  EXPECT_THAT(NotesOnLines(Story("wwll")), ElementsAre(HasSubstr("buffered?")));
  EXPECT_THAT(NotesOnLines(Story("wlwl")), IsEmpty());
  EXPECT_THAT(NotesOnLines(Story("wl")), IsEmpty());
}

TEST(ProgramNotes, FilesElsewhereAreListed) {
  Recording recording;
  EXPECT_THAT(NotesOnPlaces(recording), IsEmpty());
  recording.outside = {"/1", "/2", "/3", "/4", "/5", "/6", "/7"};
  EXPECT_THAT(NotesOnPlaces(recording), ElementsAre(HasSubstr("/1, /2, /3, /4, /5 and 2 more")));
}

TEST(ProgramNotes, AFailureThatNeverFiredIsAnError) {
  FailurePlan plan;
  plan.rules.push_back({.point = "call/fsync", .os_errno = EIO});
  Recording recording;
  recording.failures_fired = {1};
  EXPECT_TRUE(CheckFired(plan, recording));
  recording.failures_fired = {0};
  EXPECT_THAT(CheckFired(plan, recording).error().context, HasSubstr("never fired"));
}

TEST(ProgramNotes, ADifferenceMakesATraceUseless) {
  Recording recording;
  AddFactsOf(recording, {});
  EXPECT_TRUE(CheckFaithful(recording.trace));
  recording.difference = "a: 1 byte recorded, 2 found";
  AddFactsOf(recording, {});
  EXPECT_THAT(CheckFaithful(recording.trace).error().context, HasSubstr("1 byte recorded"));
}

}  // namespace
}  // namespace plugpull
