// What is planted in serial_log is found as its tables say, and the field reports on Falcon come
// out as expected: bug #44744 to the number.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using testing::HasSubstr;

TEST(SerialLogSelftest, FindsWhatWasPlantedAndOnlyThat) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"selftest", "--engine", "serial_log", "--json", "t.json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const json table = sandbox.Json("t.json");
  ASSERT_TRUE(table.is_object());
  int planted = 0;
  int held = 0;
  for (const json& row : table["rows"]) {
    const auto name = row["name"].get<std::string>();
    const bool is_mutant = name.starts_with("MF");
    (is_mutant ? planted : held) += 1;
    const std::string expected = !is_mutant ? "held" : name == "MF3" ? "equivalent" : "killed";
    EXPECT_EQ(row["outcome"], expected) << name << ": " << row["note"];
  }
  EXPECT_EQ(planted, 14);
  EXPECT_GE(held, 10);
}

TEST(SerialLogReproduce, AKillIsEnoughForThePageOfTheMail) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run(
      {"reproduce", "serial_log:fix=none", "--symptom", "page 16858751", "--json", "found.json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("reproduced at level 0, process-kill"));
}

TEST(SerialLogScenarios, AllComeOutAsExpected) {
  Sandbox sandbox;
  Words words = {"scenario", "F1b", "F1c", "F1d"};
  for (int number = 1; number <= 12; ++number) words.push_back("F" + std::to_string(number));
  const Outcome outcome = sandbox.Run(words);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("15 scenarios: "));
  EXPECT_THAT(outcome.out, Not(HasSubstr("DIFFERS")));
}

}  // namespace
}  // namespace plugpull::e2e
