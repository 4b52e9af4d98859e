// The harness finds what was planted, and only that: the selftest of cow_tree, row by row.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using testing::HasSubstr;

json RowOf(const json& table, const std::string& name) {
  for (const json& row : table["rows"]) {
    if (row["name"] == name) return row;
  }
  return {};
}

void ExpectOutcomes(const json& table) {
  const std::map<std::string, Words> names = {
      {"killed", {"M1",  "M2",  "M5",  "M6",  "M7a", "M7b", "M8", "M10a", "M11", "M12", "M13",
                  "M14", "M15", "M16", "M17", "M18", "M19", "R1", "R2",   "C1",  "C2"}},
      {"equivalent", {"M3", "M4", "M9", "M10b", "M20"}},
      {"held",
       {"good", "good-readers", "good-scan", "good-growth", "good-delayed", "good-hold",
        "good-cycles", "good-errors", "good-tear"}}};
  for (const auto& [expected, rows] : names) {
    for (const std::string& name : rows) {
      const json row = RowOf(table, name);
      ASSERT_FALSE(row.is_null()) << name;
      EXPECT_EQ(row["outcome"], expected) << name << ": " << row["note"];
      const bool is_found = expected == "killed" || (expected == "equivalent" && name != "M9");
      EXPECT_EQ(is_found, !row["oracles"].empty()) << name;
      EXPECT_EQ(is_found, !row["first_schedule"].get<std::string>().empty()) << name;
      EXPECT_EQ(is_found, row["recoveries_to_first"].is_number()) << name;
    }
  }
}

// Some mutants are there to show that one oracle works without the others.
void ExpectOracles(const json& table) {
  for (const auto& [name, oracle] : std::map<std::string, std::string>{{"M6", "reader-changed"},
                                                                       {"M12", "reader-changed"},
                                                                       {"M7a", "leak"},
                                                                       {"M7b", "leak"},
                                                                       {"M10a", "lost-commit"},
                                                                       {"M19", "lost-commit"},
                                                                       {"R2", "never-converges"}}) {
    EXPECT_THAT(RowOf(table, name)["oracles"].get<std::vector<std::string>>(),
                testing::Contains(oracle))
        << name;
  }
  for (const char* name : {"M3", "M4", "M10b", "M20"}) {
    EXPECT_EQ(RowOf(table, name)["level"], "sub-sector-tear") << name;
    EXPECT_THAT(RowOf(table, name)["note"].get<std::string>(), HasSubstr("first sector")) << name;
  }
}

// One test, because the selftest takes its time.
TEST(Selftest, OfCowTreeFindsWhatWasPlantedAndOnlyThat) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run(
      {"selftest", "--engine", "cow_tree", "--json", "table.json", "--markdown", "table.md"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("selftest passed"));
  const json table = sandbox.Json("table.json");
  ASSERT_TRUE(table.is_object());
  EXPECT_EQ(table["passed"], true);
  ExpectOutcomes(table);
  ExpectOracles(table);
  EXPECT_GT(table["litmus"]["cells"], 400);
  EXPECT_TRUE(table["litmus"]["wrong"].empty());
  EXPECT_THAT(sandbox.Text("table.md"), HasSubstr("| M6 |"));
  EXPECT_EQ(sandbox.Json("plugpull-selftest/selftest.json")["schema"], "plugpull.selftest/1");
  const std::filesystem::path cases = sandbox.path("plugpull-selftest/M19/findings");
  ASSERT_TRUE(std::filesystem::is_directory(cases));
  const auto first = std::filesystem::directory_iterator(cases)->path().string();
  EXPECT_EQ(sandbox.Run({"replay", first}).exit_code, 0);
}

TEST(SelftestCommand, AnEngineWithoutBugsIsAMistake) {
  Sandbox sandbox;
  ExpectComplaint(sandbox.Run({"selftest", "--engine", "cow_tre"}), 2, "did you mean 'cow_tree'?");
  EXPECT_EQ(sandbox.Names(), Words{});
}

}  // namespace
}  // namespace plugpull::e2e
