// Goal: what programs on images find is true, told with the models that admit it, counted once, and
// the same for any number of jobs.
//
// Method: protocols written down by hand and judged by ten-line shell checks; the contents of the
// files say themselves what is right.
#include "harness/image_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "faults/base/bytes.h"
#include "harness/case_file.h"
#include "harness/check_input.h"
#include "harness/explore.h"
#include "harness/messages.h"
#include "harness/testing.h"
#include "reports/report_format.h"

namespace plugpull {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A program that a test writes by hand. Each line that it prints is a promise.
class Program {
 public:
  Program() { recorder_.trace().facts["door"] = "traced"; }

  void Write(const std::string& path, std::string_view text, uint64_t offset_bytes = 0) {
    const auto file = recorder_.Open(path, {.create = true});
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->Write(offset_bytes, AsBytes(text)).has_value());
  }
  void Sync(const std::string& path) {
    const auto file = recorder_.Open(path, {});
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->Sync(SyncKind::kFull).has_value());
  }
  void SyncDirectory() { ASSERT_TRUE(recorder_.SyncDirectory("").has_value()); }
  void Rename(const std::string& from, const std::string& to) {
    ASSERT_TRUE(recorder_.Rename(from, to).has_value());
  }
  void Print(const std::string& line) {
    std::vector<Transaction>& transactions = recorder_.trace().transactions;
    transactions.push_back({.changes = {{line, ""}}});
    const auto number = static_cast<uint32_t>(transactions.size());
    recorder_.Begin(number);
    recorder_.Acknowledge(number);
  }
  const Trace& trace() { return recorder_.trace(); }

 private:
  MemoryVfs memory_;
  RecordingVfs recorder_{memory_};
};

// Replaces the content of a file three times, with what the name of the protocol says left out.
Trace Replace(bool syncs_file, bool syncs_directory) {
  Program program;
  for (const char* content : {"one\n", "two\n", "three\n"}) {
    program.Write("tmp", content);
    if (syncs_file) program.Sync("tmp");
    program.Rename("tmp", "file");
    if (syncs_directory) program.SyncDirectory();
    program.Print(content == std::string("one\n")   ? "one"
                  : content == std::string("two\n") ? "two"
                                                    : "three");
  }
  return program.trace();
}

// The file holds what was promised last, or something later; nothing promised: it may be absent.
constexpr const char* kReplaceCheck = R"(
last=$(tail -n 1)
now=$(cat file 2>/dev/null)
case "$last:$now" in
  :one|:two|:three|one:one|one:two|one:three|two:two|two:three|three:three) exit 0;;
  :) if test -e file; then echo "file is empty"; exit 1; fi; exit 0;;
esac
echo "promised '$last', found '$now'"
exit 1
)";

class ImageSearch : public testing::Test {
 protected:
  ~ImageSearch() override { std::filesystem::remove_all(directory_); }

  Result Run(const Trace& trace, const std::string& check, uint32_t jobs = 2, uint64_t states = 0,
             uint32_t depth = 1) {
    ExploreOptions options{.settings = {.target = "", .check = check},
                           .jobs = jobs,
                           .budget = {},
                           .out_directory = directory_};
    options.settings.recoveries_per_point = states;
    options.settings.depth = depth;
    const Expected<Result> result =
        Explore(trace, options, [](const ExploreProgress&) { return true; });
    EXPECT_TRUE(result.has_value()) << Describe(result.error());
    return result.value_or(Result());
  }

  // Returns: the models that admit some finding.
  static std::vector<std::string> ModelsOf(const Result& result) {
    std::vector<std::string> names;
    for (const Model& model : Models()) {
      const bool admits = std::ranges::any_of(result.findings, [&](const Finding& finding) {
        return std::ranges::find(finding.models, model.name) != finding.models.end();
      });
      if (admits) names.push_back(model.name);
    }
    return names;
  }

  const std::string directory_ =
      testing::TempDir() + "/plugpull-images-" + std::to_string(::getpid());
};

TEST_F(ImageSearch, TheCorrectProtocolHolds) {
  const Trace trace = Replace(true, true);
  const Result result = Run(trace, kReplaceCheck);
  EXPECT_EQ(result.verdict, Verdict::kHeld);
  EXPECT_THAT(result.findings, IsEmpty());
  EXPECT_EQ(result.door, "traced");
  EXPECT_EQ(result.coverage.mode, "exhaustive");
  EXPECT_GT(result.coverage.recoveries, 5u);
  EXPECT_EQ(result.coverage.distinct_images, result.coverage.recoveries);
}

// Persistence models, L22: renaming over a name without a sync of the bytes. Nothing is promised
// after it, but that the old content or the new one is there.
TEST_F(ImageSearch, NoSyncBeforeRenameIsFoundWhereTheLitmusTableSaysSo) {
  Program program;
  program.Write("tmp", "one\n");
  program.Sync("tmp");
  program.Rename("tmp", "file");
  program.SyncDirectory();
  program.Print("one");
  program.Write("tmp", "two\n");
  program.Rename("tmp", "file");
  const Result result = Run(program.trace(), kReplaceCheck);
  EXPECT_EQ(result.verdict, Verdict::kViolated);
  ASSERT_FALSE(result.findings.empty());
  for (const Finding& finding : result.findings) {
    EXPECT_EQ(finding.violation, ViolationClass::kCheckFailed);
    EXPECT_THAT(finding.signature, testing::AnyOf(HasSubstr("write("), HasSubstr("size(")));
  }
  std::vector<std::string> expected;
  for (const Model& model : Models()) {
    if (model.name != "ext4-journal") expected.push_back(model.name);
  }
  EXPECT_EQ(ModelsOf(result), expected);
}

// A check that fails every other time, whatever it sees, or at random.
TEST_F(ImageSearch, AViolationThatIsNotThereAgainIsNoFinding) {
  const std::string counter = directory_ + "-turns";
  for (const char* rule : {"$((turn % 2))", "$((turn % 3 % 2))", "$((turn / 2 % 2))"}) {
    std::filesystem::remove(counter);
    const Result result = Run(
        Replace(true, true),
        "read turn < " + counter + " || turn=0; echo $((turn + 1)) > " + counter + "; exit " + rule,
        1);
    EXPECT_EQ(result.verdict, Verdict::kUnknown) << rule;
    EXPECT_THAT(result.findings, IsEmpty()) << rule;
    EXPECT_THAT(result.coverage.unknown, Contains(HasSubstr("nondeterministic"))) << rule;
  }
  std::filesystem::remove(counter);
}

// L44: a sync of the directory after that covers names, not bytes.
TEST_F(ImageSearch, ASyncOfTheDirectoryDoesNotMendAMissingSyncOfTheFile) {
  const Result result = Run(Replace(false, true), kReplaceCheck);
  EXPECT_EQ(result.verdict, Verdict::kViolated);
  EXPECT_THAT(ModelsOf(result), Contains("posix-minimal"));
}

// L25 and L26: the file is whole, but its old content may be back.
TEST_F(ImageSearch, NoSyncOfTheDirectoryIsFoundOnEveryModel) {
  const Result result = Run(Replace(true, false), kReplaceCheck);
  EXPECT_EQ(result.verdict, Verdict::kViolated);
  ASSERT_FALSE(result.findings.empty());
  EXPECT_THAT(result.findings[0].signature, HasSubstr("rename("));
  EXPECT_EQ(result.findings[0].fault_level, FaultLevel::kPowerCutOrdered);
  EXPECT_EQ(ModelsOf(result).size(), Models().size());
}

TEST_F(ImageSearch, APageOfSixteenKibibytesIsNotAtomic) {
  Program program;
  program.Write("f", std::string(16384, 'a'));
  program.Sync("f");
  program.SyncDirectory();
  program.Write("f", std::string(16384, 'b'));
  program.Sync("f");
  program.Print("done");
  const Result result = Run(program.trace(), R"(
if grep -q a f && grep -q b f; then echo "a mixed page"; exit 1; fi
exit 0)");
  EXPECT_EQ(result.verdict, Verdict::kViolated);
  ASSERT_FALSE(result.findings.empty());
  EXPECT_EQ(result.coverage.mode, "sampled");
  EXPECT_THAT(result.coverage.bounds, Contains("states: 512 a crash point"));
}

TEST_F(ImageSearch, IsTheSameForAnyNumberOfJobs) {
  const Trace trace = Replace(false, false);
  Result one = Run(trace, kReplaceCheck, 1);
  Result three = Run(trace, kReplaceCheck, 3);
  one.elapsed_s = three.elapsed_s = 0;
  EXPECT_EQ(RenderJson(one), RenderJson(three));
}

TEST_F(ImageSearch, EveryFindingHasACaseThatReproducesIt) {
  for (const bool syncs_file : {false, true}) {
    const Result result = Run(Replace(syncs_file, false), kReplaceCheck);
    ASSERT_FALSE(result.findings.empty());
    for (const Finding& finding : result.findings) {
      const Expected<Case> loaded = LoadCase(directory_ + "/" + finding.case_path);
      ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
      EXPECT_EQ(loaded->settings.check, kReplaceCheck);
      const auto search = MakeSearch(loaded->trace, loaded->settings, 1);
      ASSERT_TRUE(search.has_value());
      const auto replayed = (*search)->Replay({.position = loaded->trace.ops.size(),
                                               .window = loaded->window,
                                               .lost = loaded->lost,
                                               .settings = loaded->settings});
      ASSERT_TRUE(replayed.has_value()) << Describe(replayed.error());
      ASSERT_TRUE(replayed->has_value()) << finding.signature;
      EXPECT_EQ(**replayed, loaded->violation);
    }
  }
}

TEST_F(ImageSearch, ACheckThatIsNotDeterministicIsUnknown) {
  const std::string counter = testing::TempDir() + "/plugpull-count-" + std::to_string(::getpid());
  const Result result =
      Run(Replace(true, true),
          "if test -e " + counter + "; then rm " + counter + "; exit 1; fi; : > " + counter, 1);
  std::filesystem::remove(counter);
  EXPECT_NE(result.verdict, Verdict::kHeld);
}

TEST_F(ImageSearch, TellsWhatACheckDidThatIsNeitherYesNorNo) {
  const Trace trace = Replace(true, true);
  const auto classes = [&](const std::string& check) {
    std::set<ViolationClass> found;
    for (const Finding& finding : Run(trace, check, 1).findings) found.insert(finding.violation);
    return found;
  };
  EXPECT_THAT(classes("exit 7"), ElementsAre(ViolationClass::kCheckExit));
  EXPECT_THAT(classes("kill -SEGV $$"), ElementsAre(ViolationClass::kCrashOnOpen));
  EXPECT_THAT(classes("false"), ElementsAre(ViolationClass::kCheckFailed));
}

TEST_F(ImageSearch, SaysThatRecoveryIsNotCrashedWhereThatWasAskedFor) {
  const Result result = Run(Replace(true, true), kReplaceCheck, 1, 0, 2);
  EXPECT_EQ(result.coverage.mode, "bounded");
  EXPECT_THAT(result.coverage.bounds, ElementsAre("depth"));
}

TEST_F(ImageSearch, KeepsToABoundOnStates) {
  const Result result = Run(Replace(false, false), kReplaceCheck, 1, 3);
  EXPECT_EQ(result.coverage.mode, "sampled");
  EXPECT_THAT(result.coverage.bounds, Contains("states: 3 a crash point"));
}

TEST(ChecksAreDoubted, WhenTheyAcceptAnything) {
  const Trace trace = Replace(true, true);
  const auto doubts = [&](const std::string& check) {
    return DoubtsOf(trace, {.target = "", .check = check});
  };
  ASSERT_TRUE(doubts("true").has_value());
  EXPECT_THAT(*doubts("true"), ElementsAre(HasSubstr("it may never fail")));
  ASSERT_TRUE(doubts(kReplaceCheck).has_value());
  EXPECT_THAT(*doubts(kReplaceCheck), IsEmpty());
  const auto refused = doubts("echo not today; exit 1");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kTargetFailed);
  EXPECT_THAT(refused.error().context, HasSubstr("not today"));
}

}  // namespace
}  // namespace plugpull
