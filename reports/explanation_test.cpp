// Goal: every format says the same, each in its way: rows with their marks, text of strangers
// escaped, JSON that a program can read.
#include "reports/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace plugpull {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

CaseExplanation Small() {
  CaseExplanation explanation{.id = "lost-commit-1f0c2a44",
                              .target = "sqlite:journal=delete,sync=full",
                              .model = "posix-minimal",
                              .violation = ViolationClass::kLostCommit,
                              .message = "transaction 5 is gone"};
  explanation.promised = "It promised much.";
  explanation.lost = "The crash lost the unlink of a|b\x1b.";
  explanation.missing = "A sync is missing.";
  explanation.timeline = {{.mark = RowMark::kBegin,
                           .is_operation = true,
                           .number = 3,
                           .transaction = 5,
                           .what = "transaction 5 begins"},
                          {.mark = RowMark::kLost,
                           .is_operation = true,
                           .number = 95,
                           .transaction = 5,
                           .what = "unlink a|b",
                           .fate = "no sync yet; it is lost",
                           .site = {"Commit (pager.cpp:88)", "main"}},
                          {.mark = RowMark::kMissing, .what = "sync the directory . (fsync)"},
                          {.mark = RowMark::kCrash, .what = "CRASH: the power fails"}};
  explanation.recovery = {"opens test.db"};
  explanation.keys = {
      {.key = "key-1", .found = "absent", .expected = "the value of transaction 5"}};
  explanation.keys_differing = 3;
  explanation.expected_state = "the contents after transaction 5";
  return explanation;
}

TEST(ExplanationTest, AReaderSeesMarksCallersAndHowManyKeysAreWrong) {
  const std::string text = RenderExplanationConsole(Small(), {});
  EXPECT_THAT(text, AllOf(HasSubstr("       95     5  LOST    unlink a|b"),
                          HasSubstr("called by Commit (pager.cpp:88)"),
                          HasSubstr("MISSING sync the directory . (fsync)"),
                          HasSubstr("===== CRASH"), HasSubstr("and 2 more")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(ExplanationTest, ColorsAreForTerminals) {
  EXPECT_THAT(RenderExplanationConsole(Small(), {.color = true}), HasSubstr("\x1b[1;31m"));
}

TEST(ExplanationTest, MarkdownKeepsTextOfStrangersInItsCell) {
  const std::string text = RenderExplanationMarkdown(Small());
  EXPECT_THAT(text, AllOf(HasSubstr("| 95 | 5 | LOST | unlink a\\|b |"),
                          HasSubstr("Commit (pager.cpp:88)"), Not(HasSubstr("\x1b"))));
}

TEST(ExplanationTest, JsonHasEveryRowAndNullWhereThereIsNothing) {
  const nlohmann::json written = nlohmann::json::parse(RenderExplanationJson(Small()));
  EXPECT_EQ(written["schema"], "plugpull.explanation/1");
  EXPECT_EQ(written["class"], "lost-commit");
  ASSERT_EQ(written["timeline"].size(), 4);
  EXPECT_EQ(written["timeline"][1]["mark"], "lost");
  EXPECT_EQ(written["timeline"][1]["operation"], 95);
  EXPECT_EQ(written["timeline"][1]["site"][1], "main");
  EXPECT_TRUE(written["timeline"][2]["operation"].is_null());
  EXPECT_EQ(written["timeline"][2]["mark"], "missing-sync");
  EXPECT_TRUE(written["recovered"].is_null());
  EXPECT_EQ(written["keys"][0]["expected"], "the value of transaction 5");
  EXPECT_THAT(written["summary"], HasSubstr("It promised much. The crash lost"));
}

TEST(ExplanationTest, BytesThatAreNoTextBecomeJsonAllTheSame) {
  CaseExplanation explanation = Small();
  explanation.message = "\xff\xfe";
  EXPECT_TRUE(nlohmann::json::accept(RenderExplanationJson(explanation)));
}

}  // namespace
}  // namespace plugpull
