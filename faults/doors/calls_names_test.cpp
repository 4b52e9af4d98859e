// Goal: each call that makes, moves or removes names is recorded as what it did, with inodes that
// stay the same whatever they are called. Method: as in calls_bytes_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/doors/recorded_scenario.h"

namespace plugpull {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using CallsNames = TracedTest;

std::vector<std::string> OpsOf(const ScenarioPlace& place, const std::string& scenario) {
  return OpLines(RecordScenario(place, scenario).recording.trace);
}

TEST_F(CallsNames, Opens) {
  EXPECT_THAT(OpsOf(place_, "opens"),
              ElementsAre("create #2 #1/a", "truncate #2 0", "write #2 0+3 'old'", "truncate #2 0",
                          "make-directory #3 #1/d", "create #4 #3/b", "create #5 #3/c",
                          "create #6 #1/f", "create #7 #3/node"));
}

TEST_F(CallsNames, ModesFollowTheProgramsUmask) {
  EXPECT_THAT(OpsOf(place_, "modes"),
              ElementsAre("create #2 #1/all", "make-directory #3 #1/open", "create #4 #1/own"));
}

TEST_F(CallsNames, Directories) {
  EXPECT_THAT(
      OpsOf(place_, "directories"),
      ElementsAre("make-directory #2 #1/a", "make-directory #3 #2/b", "create #4 #3/f",
                  "write #4 0+1 'x'", "rename #3 #2/b -> #1/c", "truncate #4 0", "write #4 0+1 'y'",
                  "unlink #4 #3/f", "remove-directory #3 #1/c", "remove-directory #2 #1/a"));
}

TEST_F(CallsNames, Links) {
  EXPECT_THAT(
      OpsOf(place_, "links"),
      ElementsAre("create #2 #1/a", "write #2 0+4 'text'", "link #2 -> #1/b", "unlink #2 #1/a",
                  "write #2 0+1 'T'", "link #2 -> #1/c", "symlink #3 #1/s 1 'b'",
                  "symlink #4 #1/dangling 7 'missing'", "create #5 #1/missing", "write #5 0+1 'm'",
                  "truncate #2 0", "rename #3 #1/s -> #1/t", "unlink #3 #1/t"));
}

TEST_F(CallsNames, Renames) {
  EXPECT_THAT(
      OpsOf(place_, "renames"),
      ElementsAre("create #2 #1/a", "write #2 0+1 'a'", "create #3 #1/b", "write #3 0+1 'b'",
                  "rename #2 #1/a -> #1/b", "create #4 #1/c", "write #4 0+1 'c'",
                  "exchange #2 #1/b -> #1/c other #4", "rename #2 #1/c -> #1/d"));
}

TEST_F(CallsNames, FilesWithoutANameGetOneLater) {
  EXPECT_THAT(OpsOf(place_, "unnamed"), ElementsAre("create-unnamed #2", "write #2 0+4 'body'",
                                                    "link #2 -> #1/named", "write #2 4+4 'more'"));
}

TEST_F(CallsNames, UnlinkedFilesStayThemselves) {
  EXPECT_THAT(OpsOf(place_, "unlinked-file"),
              ElementsAre("create #2 #1/f", "unlink #2 #1/f", "write #2 0+5 'ghost'",
                          "create #3 #1/f", "write #3 0+3 'new'", "write #2 5+1 's'"));
}

TEST_F(CallsNames, NumbersThatAreUsedAgainAreOtherFiles) {
  const RecordedScenario run = RecordScenario(place_, "numbers-again");
  EXPECT_THAT(run.recording.trace.ops, SizeIs(150));
  for (size_t i = 0; i < run.recording.trace.ops.size(); ++i) {
    EXPECT_EQ(run.recording.trace.ops[i].inode, 2 + i / 3) << i;
  }
  EXPECT_THAT(run.recording.outside, ElementsAre(place_.outside() + "/f"));
}

TEST_F(CallsNames, WhatComesInIsWrittenAndWhatGoesOutIsRemoved) {
  const RecordedScenario run = RecordScenario(place_, "in-and-out");
  EXPECT_THAT(OpLines(run.recording.trace),
              ElementsAre("create #2 #1/in", "write #2 0+8 'imported'", "create #3 #1/old",
                          "write #3 0+3 'old'", "create #4 #1/.imported-4", "write #4 0+5 'newer'",
                          "rename #4 #1/.imported-4 -> #1/old", "make-directory #5 #1/tree",
                          "create #6 #5/leaf", "write #6 0+4 'leaf'", "unlink #2 #1/in",
                          "create #7 #1/inner", "write #7 0+6 'linked'"));
  EXPECT_THAT(run.recording.outside,
              ElementsAre(place_.outside() + "/file", place_.outside() + "/linked",
                          place_.outside() + "/newer", place_.outside() + "/tree/leaf"));
}

TEST_F(CallsNames, PipesThatComeInAreNotWaitedFor) {
  EXPECT_THAT(OpsOf(place_, "pipes-come-in"),
              ElementsAre("create #2 #1/old", "write #2 0+3 'old'", "unlink #2 #1/old",
                          "create #3 #1/after", "write #3 0+1 'x'"));
}

TEST_F(CallsNames, Attributes) {
  EXPECT_THAT(OpsOf(place_, "chmods"),
              ElementsAre("create #2 #1/f", "set-attribute #2 mode 4 '0600'",
                          "set-attribute #2 mode 4 '0640'", "set-attribute #2 mode 4 '0400'",
                          fmt::format("set-attribute #2 owner {0} '{1}'",
                                      fmt::format("{}:{}", getuid(), getgid()).size(),
                                      fmt::format("{}:{}", getuid(), getgid())),
                          fmt::format("set-attribute #2 owner {0} '{1}'",
                                      fmt::format("{}:{}", getuid(), getgid()).size(),
                                      fmt::format("{}:{}", getuid(), getgid()))));
  const RecordedScenario times = RecordScenario(ScenarioPlace(), "times");
  std::vector<std::string> texts;
  for (const Op& op : times.recording.trace.ops) {
    if (op.kind != OpKind::kSetAttribute) continue;
    texts.emplace_back(AsText(times.recording.trace.Payload(op)));
  }
  EXPECT_THAT(texts, ElementsAre("10.000000020 30.000000040", "50.000000000 60.000000007",
                                 "70.000000000 80.000000000", "90.000001000 100.000002000",
                                 "10.000000020 30.000000040"));
}

TEST_F(CallsNames, AnOwnerTakesTheSetIdBits) {
  const std::vector<std::string> ops = OpsOf(place_, "owner-takes-bits");
  ASSERT_THAT(ops, SizeIs(4));
  EXPECT_EQ(ops[1], "set-attribute #2 mode 4 '6755'");
  EXPECT_EQ(ops[3], "set-attribute #2 mode 4 '0755'");
}

TEST_F(CallsNames, ExtendedAttributes) {
  EXPECT_THAT(OpsOf(place_, "xattrs"),
              ElementsAre("create #2 #1/f", "set-xattr #2 user.one 1 '1'",
                          "set-xattr #2 user.two 2 '22'", "remove-xattr #2 user.one"));
}

}  // namespace
}  // namespace plugpull
