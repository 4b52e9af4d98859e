// Goal: engines that are programs get the verdicts that linked engines get, and their deaths and
// hangs are findings.
//
// Method: a driver of thirty lines of shell, which keeps each key in a file of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "faults/base/bytes.h"
#include "harness/explore.h"
#include "harness/testing.h"
#include "reports/report_format.h"

namespace plugpull {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kDriver = R"(#!/bin/sh
while read -r command first second; do
  case $command in
    open)
      cd "$first" || exit 9
      answer=ok
      for file in k-*; do
        test -e "$file" || continue
        test -s "$file" && continue
        case $second in
          how=segv) kill -SEGV $$;;
          how=hang) sleep 600;;
        esac
        answer="err $file is empty"
      done
      echo "$answer";;
    dump)
      for file in k-*; do
        test -e "$file" || continue
        read -r value < "$file"
        echo "${file#k-} $value"
      done
      echo end;;
    put) echo "$second" > "k-$first"; echo ok;;
    del) rm -f "k-$first"; echo ok;;
    quit) exit 0;;
    *) echo ok;;
  esac
done
)";

class DriverSearch : public testing::Test {
 protected:
  DriverSearch() {
    std::filesystem::create_directories(directory_);
    std::ofstream(driver_) << kDriver;
    ::chmod(driver_.c_str(), 0755);
  }
  ~DriverSearch() override { std::filesystem::remove_all(directory_); }

  Result Run(const Trace& trace, const std::string& options = "", uint32_t jobs = 2) {
    const ExploreOptions settings{.settings = {.target = "driver:" + driver_ + options,
                                               .keys = 6,
                                               .per_class = per_class_,
                                               .patience = patience_,
                                               .depth = 1,
                                               .recovery_timeout_ms = timeout_ms_},
                                  .jobs = jobs,
                                  .budget = {},
                                  .out_directory = directory_};
    const Expected<Result> result =
        Explore(trace, settings, [](const ExploreProgress&) { return true; });
    EXPECT_TRUE(result.has_value()) << Describe(result.error());
    return result.value_or(Result());
  }

  uint64_t timeout_ms_ = 60'000;
  uint32_t per_class_ = 3;
  uint32_t patience_ = 256;
  const std::string directory_ =
      testing::TempDir() + "plugpull-driver-search-" + std::to_string(::getpid());
  const std::string driver_ = directory_ + "/driver.sh";
};

// What the driver would do for some transactions, synced as it should or less.
Trace Puts(uint32_t count, bool syncs_files, bool syncs_directory) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  for (uint32_t number = 1; number <= count; ++number) {
    const std::string digit = std::to_string(number);
    recorder.trace().transactions.push_back(Put("a" + digit, digit));
    recorder.Begin(number);
    const std::string name = "k-613" + digit;
    const std::string text = "3" + digit + "\n";
    const auto file = recorder.Open(name, {.create = true});
    EXPECT_TRUE((*file)->Write(0, AsBytes(text)).has_value());
    if (syncs_files) {
      EXPECT_TRUE((*file)->Sync(SyncKind::kFull).has_value());
    }
    if (syncs_directory) {
      EXPECT_TRUE(recorder.SyncDirectory("").has_value());
    }
    recorder.Acknowledge(number);
  }
  return recorder.trace();
}

std::vector<ViolationClass> ClassesOf(const Result& result) {
  std::set<ViolationClass> classes;
  for (const Finding& finding : result.findings) classes.insert(finding.violation);
  return {classes.begin(), classes.end()};
}

TEST_F(DriverSearch, FindsWhatALinkedEngineWouldBeFound) {
  const Result result = Run(Puts(8, true, false));
  EXPECT_EQ(result.verdict, Verdict::kViolated);
  ASSERT_FALSE(result.findings.empty());
  const auto lost =
      std::ranges::find(result.findings, ViolationClass::kLostCommit, &Finding::violation);
  ASSERT_NE(lost, result.findings.end());
  // Persistence models, L16: everywhere else the sync of a new file takes its name along.
  EXPECT_THAT(lost->models, ElementsAre("posix-minimal"));
  EXPECT_GT(result.coverage.uses, 0u);
}

TEST_F(DriverSearch, RefusalsCrashesAndHangsAreDifferentThings) {
  const Trace trace = Puts(1, false, true);
  EXPECT_THAT(ClassesOf(Run(trace)), Contains(ViolationClass::kRefusesToOpen));
  const Result died = Run(trace, ",how=segv");
  EXPECT_THAT(ClassesOf(died), Contains(ViolationClass::kCrashOnOpen));
  EXPECT_THAT(died.findings,
              Contains(testing::Field(&Finding::message,
                                      AllOf(HasSubstr("signal 11"), HasSubstr("while opening")))));
  timeout_ms_ = 300;
  per_class_ = 1;
  patience_ = 1;
  const Result hung = Run(trace, ",how=hang", 1);
  EXPECT_THAT(ClassesOf(hung), Contains(ViolationClass::kHangOnOpen));
  EXPECT_THAT(hung.findings, Contains(testing::Field(
                                 &Finding::message, "did not finish within 300 ms while opening")));
}

TEST_F(DriverSearch, IsTheSameForAnyNumberOfJobs) {
  const Trace trace = Puts(3, false, false);
  Result one = Run(trace, "", 1);
  Result three = Run(trace, "", 3);
  one.elapsed_s = three.elapsed_s = 0;
  EXPECT_EQ(RenderJson(one), RenderJson(three));
}

}  // namespace
}  // namespace plugpull
