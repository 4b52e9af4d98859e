// plugpull litmus as a user runs it: the table that is built in, files of the user's own, and what
// is said about files that are wrong.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using testing::HasSubstr;

constexpr const char* kTest =
    "name mine\ntitle overwrite a block\noutcome it is old\n"
    "given\n  create f\n  write f 0 4K 'A'\ndo\n  write f 0 4K 'B'\nask f is 'A'*4K\n";

TEST(Litmus, TheTableThatIsBuiltInIsAsExpected) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"litmus"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  EXPECT_THAT(outcome.out, HasSubstr("54 rows x 8 models: 432 cells computed, all as expected"));
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(sandbox.Names(), Words{});
}

TEST(Litmus, JsonOnStandardOutputIsAlone) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"litmus", "--json", "-", "--model", "xfs"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const json table = json::parse(outcome.out);
  EXPECT_EQ(table["models"], json({"xfs"}));
  EXPECT_EQ(table["rows"].size(), 54U);
  EXPECT_THAT(outcome.err, HasSubstr("54 rows x 1 model"));
}

TEST(Litmus, FilesAndFoldersOfTheUserAreAsked) {
  Sandbox sandbox;
  std::filesystem::create_directory(sandbox.path() / "mine");
  WriteText(sandbox.path() / "mine" / "a.litmus", kTest);
  const Outcome outcome = sandbox.Run(
      {"litmus", "mine", "--explain", "--model", "pm", "--model", "ext4-journal,drag=to-covered"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("overwrite a block"));
  EXPECT_THAT(outcome.out, HasSubstr("M2   ext4-journal,drag=to-covered"));
  EXPECT_THAT(outcome.out, HasSubstr("mine PM: "));
  EXPECT_THAT(outcome.out, HasSubstr("1 row x 2 models: 2 cells computed, all as expected"));
}

TEST(Litmus, AnExpectationThatFailsIsAFinding) {
  Sandbox sandbox;
  WriteText(sandbox.path() / "a.litmus", std::string(kTest) + "expect PM -\n");
  const Outcome outcome = sandbox.Run({"litmus", "a.litmus"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("mine PM: expected -, computed A"));
}

TEST(Litmus, AWrongFileIsExplainedInOneLine) {
  Sandbox sandbox;
  WriteText(sandbox.path() / "a.litmus", "name x\ndo\n  creat f\n");
  ExpectComplaint(sandbox.Run({"litmus", "a.litmus"}), 2,
                  "a.litmus:3: there is no operation 'creat', did you mean 'create'?");
  ExpectComplaint(sandbox.Run({"litmus", "gone.litmus"}), 2, "gone.litmus");
  std::filesystem::create_directory(sandbox.path() / "none");
  ExpectComplaint(sandbox.Run({"litmus", "none"}), 2, "no *.litmus file");
  ExpectComplaint(sandbox.Run({"litmus", "--model", "xsf"}), 2, "did you mean 'xfs'?");
  WriteText(sandbox.path() / "b.litmus", kTest);
  WriteText(sandbox.path() / "c.litmus", kTest);
  ExpectComplaint(sandbox.Run({"litmus", "b.litmus", "c.litmus"}), 2, "is the name of the test in");
}

TEST(Litmus, TheTableDoesNotReplaceATest) {
  Sandbox sandbox;
  WriteText(sandbox.path() / "a.litmus", kTest);
  ExpectComplaint(sandbox.Run({"litmus", "--json", "a.litmus"}), 2, "'a.litmus' is a litmus test");
  WriteText(sandbox.path() / "b", kTest);
  ExpectComplaint(sandbox.Run({"litmus", "b", "--json", "b"}), 2, "'b' is a litmus test");
  EXPECT_EQ(sandbox.Run({"litmus", "a.litmus", "--model", "xfs"}).exit_code, 0);
  EXPECT_EQ(sandbox.Run({"litmus", "b", "--model", "xfs"}).exit_code, 0);
}

TEST(Litmus, HelpShowsTheLanguage) {
  Sandbox sandbox;
  EXPECT_THAT(sandbox.Run({"litmus", "--help"}).out, HasSubstr("write foo 0 4K 'A'"));
}

}  // namespace
}  // namespace plugpull::e2e
