// What is planted in revision_tree is found as its tables say, and the field reports on Mavibot
// come out as expected.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using testing::HasSubstr;

json RowNamed(const json& table, const std::string& name) {
  for (const json& row : table["rows"]) {
    if (row["name"] == name) return row;
  }
  return {};
}

TEST(RevisionTreeSelftest, FindsWhatWasPlantedAndOnlyThat) {
  Sandbox sandbox;
  const Outcome outcome =
      sandbox.Run({"selftest", "--engine", "revision_tree", "--json", "table.json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const json table = sandbox.Json("table.json");
  ASSERT_TRUE(table.is_object());
  for (int number = 1; number <= 12; ++number) {
    const std::string name = "MV" + std::to_string(number);
    const json row = RowNamed(table, name);
    ASSERT_FALSE(row.is_null()) << name;
    EXPECT_EQ(row["outcome"], number == 7 ? "equivalent" : "killed") << name << ": " << row["note"];
    EXPECT_FALSE(row["oracles"].empty()) << name;
  }
  EXPECT_EQ(RowNamed(table, "MV7")["level"], "sub-sector-tear");
  EXPECT_EQ(RowNamed(table, "MV5")["oracles"], json::array({"reader-changed"}));
  for (const json& row : table["rows"]) {
    if (row["name"].get<std::string>().starts_with("good")) {
      EXPECT_EQ(row["outcome"], "held") << row["name"];
    }
  }
}

// These two lose nothing but space: whoever does not account for it would never know.
TEST(RevisionTreeSelftest, SpaceAccountingAloneFindsMV3AndMV9) {
  for (const char* mutant : {"MV3", "MV9"}) {
    Sandbox sandbox;
    const std::string target = std::string("revision_tree:mutant=") + mutant;
    const Outcome outcome = sandbox.Run(
        {"run", target, "--transactions", "8", "--keys", "10", "--json", "run.json", "--quiet"});
    EXPECT_EQ(outcome.exit_code, 1) << outcome.out << outcome.err;
    const json result = sandbox.Json("run.json");
    ASSERT_FALSE(result["findings"].empty());
    bool is_leak_found = false;
    for (const json& finding : result["findings"]) {
      EXPECT_THAT(finding["message"].get<std::string>(), HasSubstr("leak: nothing of revision"));
      is_leak_found = is_leak_found || finding["class"] == "leak";
    }
    EXPECT_TRUE(is_leak_found);
  }
}

TEST(RevisionTreeScenarios, AllComeOutAsExpected) {
  Sandbox sandbox;
  Words words = {"scenario"};
  for (int number = 1; number <= 12; ++number) words.push_back("V" + std::to_string(number));
  const Outcome outcome = sandbox.Run(words);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("12 scenarios: "));
  EXPECT_THAT(outcome.out, Not(HasSubstr("DIFFERS")));
}

TEST(RevisionTreeScenarios, ThoseOfOneEngineCanBeAskedFor) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"scenario", "V2", "B14", "--target", "revision_tree"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("4 of 4 cases as expected"));
}

}  // namespace
}  // namespace plugpull::e2e
