// Goal: a program whose reads are seen is explored as an engine in this process is: every state of
// a correct protocol, in few recoveries, and what is broken is found.
//
// Method: protocols written down by hand and judged by short shell checks on a mount.
#include "harness/read_set_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "faults/base/bytes.h"
#include "harness/explore.h"
#include "harness/testing.h"
#include "reports/report_format.h"

namespace plugpull {
namespace {

// Replaces the content of a file, three times, with what is in the way of that.
Trace Replace(bool syncs_file) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  for (uint32_t number = 1; number <= 3; ++number) {
    recorder.trace().transactions.push_back(Put(std::to_string(number), ""));
    recorder.Begin(number);
    const std::string text(8000, static_cast<char>('0' + number));
    const auto file = recorder.Open("tmp", {.create = true});
    EXPECT_TRUE((*file)->Write(0, AsBytes(text)).has_value());
    if (syncs_file) {
      EXPECT_TRUE((*file)->Sync(SyncKind::kFull).has_value());
    }
    EXPECT_TRUE(recorder.Rename("tmp", "file").has_value());
    EXPECT_TRUE(recorder.SyncDirectory("").has_value());
    recorder.Acknowledge(number);
  }
  return recorder.trace();
}

// Consistent: no file, or one of the right length with one digit in it.
constexpr const char* kCheck =
    "test ! -e file || { test $(wc -c < file) = 8000 && "
    "{ test -z \"$(tr -d 1 < file)\" || test -z \"$(tr -d 2 < file)\" || "
    "test -z \"$(tr -d 3 < file)\"; }; }";

class ReadSet : public testing::Test {
 protected:
  void SetUp() override {
    const Expected<std::unique_ptr<PointSearch>> search = MakeReadSetPool(Replace(true), 1);
    if (!search) GTEST_SKIP() << Describe(search.error());
  }
  ~ReadSet() override { std::filesystem::remove_all(directory_); }

  Expected<Result> Run(const Trace& trace, const std::string& target, const std::string& check,
                       uint32_t jobs) {
    const ExploreOptions options{.settings = {.target = target,
                                              .check = check,
                                              .per_class = 1,
                                              .patience = 8,
                                              .depth = 1,
                                              .read_set = true},
                                 .jobs = jobs,
                                 .budget = {},
                                 .out_directory = directory_};
    return Explore(trace, options, [](const ExploreProgress&) { return true; });
  }

  const std::string directory_ =
      testing::TempDir() + "plugpull-read-set-" + std::to_string(::getpid());
};

TEST_F(ReadSet, ACorrectProtocolIsDecidedCompletely) {
  const Expected<Result> result = Run(Replace(true), "", kCheck, 2);
  ASSERT_TRUE(result.has_value()) << Describe(result.error());
  EXPECT_EQ(result->verdict, Verdict::kHeld);
  EXPECT_EQ(result->coverage.mode, "exhaustive");
  EXPECT_GT(result->coverage.recoveries, 0u);
}

TEST_F(ReadSet, AMissingSyncIsFoundAndTheSameForAnyNumberOfJobs) {
  Expected<Result> one = Run(Replace(false), "", kCheck, 1);
  Expected<Result> three = Run(Replace(false), "", kCheck, 3);
  ASSERT_TRUE(one.has_value() && three.has_value());
  EXPECT_EQ(one->verdict, Verdict::kViolated);
  one->elapsed_s = three->elapsed_s = 0;
  EXPECT_EQ(RenderJson(*one), RenderJson(*three));
}

TEST_F(ReadSet, WhatCannotBeShownMakesNothingHeld) {
  const Expected<Result> result = Run(Replace(true), "", "ln -s file link; true", 1);
  ASSERT_TRUE(result.has_value()) << Describe(result.error());
  EXPECT_EQ(result->verdict, Verdict::kUnknown);
}

TEST_F(ReadSet, IsForProgramsOnly) {
  const Expected<Result> result = Run(Replace(true), "cow_tree", "", 1);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace plugpull
