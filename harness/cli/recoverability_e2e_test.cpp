// What can be done about the damaged images of a run, as a user asks for it. The figures are those
// of engine/cow_tree/POLICIES.md, from shorter runs.
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

// Returns: how many violated images a run has, by class; `cured_by_revert`: how many of them going
// back to the previous meta cures.
std::map<std::string, uint64_t> Classes(const json& result, uint64_t& cured_by_revert) {
  std::map<std::string, uint64_t> classes;
  for (const json& tally : result["recoverability"]) classes[tally["class"]] = tally["images"];
  EXPECT_EQ(result["repairs"][0]["repair"], "revert-meta");
  cured_by_revert = result["repairs"][0]["cures"];
  return classes;
}

constexpr const char* kSilent = "silent wrong content";

// A lost tree page is cured by the meta before it. A lost meta is silent: the store is the one
// before.
TEST(Recoverability, RevertMetaCuresLossesOfTheNewestTransaction) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", "cow_tree:freelist=none", "--transactions", "60", "--faults",
                      "stale-page(age=1,lost=newest)", "--recoverability"},
                     1);
  uint64_t cured = 0;
  const std::map<std::string, uint64_t> classes = Classes(result, cured);
  EXPECT_GT(cured, 50U);
  EXPECT_GT(classes.at("cured by previous meta"), 50U);
  EXPECT_GE(cured, classes.at("cured by previous meta"));
  for (const json& finding : result["findings"]) {
    EXPECT_FALSE(finding["recoverability"].is_null()) << finding;
  }
}

// A lost write of the older meta is none of a page: its pages are all there.
bool IsOfMeta(const json& finding) {
  const std::string fault = finding["fault_instance"];
  return fault.find(",page=0,") != std::string::npos || fault.find(",page=1,") != std::string::npos;
}

TEST(Recoverability, RevertMetaNeverCuresAnOlderLossOfAPage) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", "cow_tree:freelist=none", "--transactions", "60", "--faults",
                      "stale-page(age=2..12,lost=older)", "--recoverability"},
                     1);
  uint64_t cured = 0;
  const std::map<std::string, uint64_t> classes = Classes(result, cured);
  EXPECT_GT(classes.at(kSilent), 0U);
  EXPECT_GT(classes.at("needs page surgery"), 0U);
  size_t of_pages = 0;
  for (const json& finding : result["findings"]) {
    if (IsOfMeta(finding)) continue;
    ++of_pages;
    EXPECT_FALSE(finding["recoverability"].get<std::string>().starts_with("cured by previous meta"))
        << finding;
  }
  EXPECT_GT(of_pages, 0U);
}

// Without the option, of the findings only; and an engine without repairs has nothing to say.
TEST(Recoverability, IsSaidOfFindingsUnasked) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "cow_tree:mutant=M19", "--transactions", "10"}, 1);
  EXPECT_FALSE(result.contains("recoverability"));
  std::map<std::string, std::string> classes;
  for (const json& finding : result["findings"]) {
    classes[finding["class"]] = finding["recoverability"];
  }
  EXPECT_EQ(classes.at("lost-commit"), kSilent);
  const json other = sandbox.Result({"run", "sqlite:sync=off", "--transactions", "10"}, 1);
  EXPECT_TRUE(other["findings"][0]["recoverability"].is_null());
}

}  // namespace
}  // namespace plugpull::e2e
