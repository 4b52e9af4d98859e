// Goal: the JSON report has every field of plugpull.result/1, of the right type, and no result, not
// even one with bytes that are no text, makes it invalid.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "reports/report_format.h"
#include "reports/testing.h"

namespace plugpull {
namespace {

using nlohmann::json;

json Parsed(const Result& result) { return json::parse(RenderJson(result)); }

std::string GoldenFile(const std::string& name) {
  const auto bytes = ReadWholeFile(std::string(PLUGPULL_SOURCE_DIR "/reports/testdata/") + name);
  return bytes ? std::string(AsText(*bytes)) : Describe(bytes.error());
}

TEST(Json, IsTheGoldenFileForASmallResult) {
  EXPECT_EQ(RenderJson(SmallResult()), GoldenFile("result.json"));
}

TEST(Json, SaysWhatIsBeyondTheContractAndHowOftenItFired) {
  Result small = SmallResult();
  EXPECT_FALSE(Parsed(small).contains("faults_fired"));
  small.findings[0].fault_level = FaultLevel::kStalePage;
  small.findings[0].fault = "stale-page(file=a,page=1,age=2)";
  EXPECT_FALSE(Parsed(small).contains("recoverability"));
  small.recoverability = {{.name = "needs page surgery",
                           .images = 3,
                           .transactions_lost = 0,
                           .keys_lost = 7,
                           .keys = 120}};
  small.repairs = {{.repair = "revert-meta", .cures = 2}};
  EXPECT_EQ(Parsed(small)["repairs"], json::array({{{"repair", "revert-meta"}, {"cures", 2}}}));
  EXPECT_EQ(Parsed(small)["recoverability"], json::array({{{"class", "needs page surgery"},
                                                           {"images", 3},
                                                           {"transactions_lost", 0},
                                                           {"keys_lost", 7},
                                                           {"keys", 120}}}));
  small.faults_fired = {{.fault = "stale-page(age=1..3)",
                         .level = FaultLevel::kStalePage,
                         .instances = 7,
                         .fired = 6,
                         .of = 9,
                         .recoveries = 8}};
  const json result = Parsed(small);
  EXPECT_EQ(result["findings"][0]["fault_level"], 5);
  EXPECT_EQ(result["findings"][0]["fault_instance"], "stale-page(file=a,page=1,age=2)");
  EXPECT_EQ(result["findings"][0]["legal"], false);
  const json tally = {{"fault", "stale-page(age=1..3)"},
                      {"level", 5},
                      {"legal", false},
                      {"instances", 7},
                      {"fired", 6},
                      {"of", 9},
                      {"recoveries", 8}};
  EXPECT_EQ(result["faults_fired"], json::array({tally}));
}

// Checks that `object` has the fields of `types`, each of the type given: "string", "number",
// "boolean", "array", "object".
void ExpectFields(const json& object, const std::map<std::string, std::string>& types) {
  for (const auto& [name, type] : types) {
    ASSERT_TRUE(object.contains(name)) << name;
    EXPECT_EQ(object[name].type_name(), type) << name;
  }
}

TEST(Json, HasEveryFieldOfTheSchemaWithItsType) {
  const json result = Parsed(SmallResult());
  EXPECT_EQ(result["schema"], "plugpull.result/1");
  ExpectFields(result, {{"command", "string"},
                        {"version", "string"},
                        {"commit", "string"},
                        {"target", "string"},
                        {"door", "string"},
                        {"seed", "number"},
                        {"model", "string"},
                        {"tear", "string"},
                        {"faults", "array"},
                        {"promise", "string"},
                        {"verdict", "string"},
                        {"trace", "object"},
                        {"coverage", "object"},
                        {"rates", "object"},
                        {"findings", "array"},
                        {"interrupted", "boolean"}});
  ExpectFields(result["trace"], {{"ops", "number"},
                                 {"syncs", "number"},
                                 {"acks", "number"},
                                 {"bytes", "number"},
                                 {"transactions", "number"}});
  ExpectFields(result["coverage"], {{"mode", "string"},
                                    {"crash_points", "number"},
                                    {"states", "string"},
                                    {"states_log10", "number"},
                                    {"recoveries", "number"},
                                    {"distinct_images", "number"},
                                    {"reruns", "number"},
                                    {"unknown", "array"}});
  ExpectFields(result["rates"], {{"elapsed_s", "number"}, {"recoveries_per_s", "number"}});
  ExpectFields(result["findings"][0], {{"id", "string"},
                                       {"signature", "string"},
                                       {"class", "string"},
                                       {"promise", "string"},
                                       {"fault_level", "number"},
                                       {"models", "array"},
                                       {"contract_models", "array"},
                                       {"crash_point", "number"},
                                       {"transactions_attempted", "number"},
                                       {"transactions_acknowledged", "number"},
                                       {"lost", "array"},
                                       {"kept", "array"},
                                       {"message", "string"},
                                       {"recoverability", "null"},
                                       {"case", "string"},
                                       {"cycle", "number"},
                                       {"in_use", "boolean"}});
}

TEST(Json, SaysWhatEachCycleCovered) {
  Result result = SmallResult();
  EXPECT_FALSE(Parsed(result)["coverage"].contains("cycles"));
  CycleCoverage first;
  first.mode = "exhaustive";
  CycleCoverage second = first;
  second.cycle = 2;
  second.crash_point = 97;
  second.lost_atoms = 3;
  second.recovered_transaction = 11;
  second.states = "12345678901234567890";
  result.coverage.cycles = {first, second};
  const json cycles = Parsed(result)["coverage"]["cycles"];
  ASSERT_EQ(cycles.size(), 2u);
  EXPECT_EQ(cycles[0]["cycle"], 1);
  EXPECT_TRUE(cycles[0]["crash_point"].is_null());
  EXPECT_TRUE(cycles[0]["recovered_transaction"].is_null());
  EXPECT_EQ(cycles[1]["cycle"], 2);
  EXPECT_EQ(cycles[1]["crash_point"], 97);
  EXPECT_EQ(cycles[1]["lost_atoms"], 3);
  EXPECT_EQ(cycles[1]["recovered_transaction"], 11);
  EXPECT_EQ(cycles[1]["states"], "12345678901234567890");
  EXPECT_EQ(cycles[1]["mode"], "exhaustive");
}

TEST(Json, SaysWhatHeldUnderEachModelOfARunUnderAll) {
  Result result = SmallResult();
  EXPECT_FALSE(Parsed(result).contains("models"));
  EXPECT_EQ(Parsed(result)["findings"][0]["models"], json({"posix-minimal", "somc"}));
  EXPECT_EQ(Parsed(result)["findings"][0]["contract_models"], json({"xfs"}));
  result.models = {
      {"posix-minimal", Verdict::kViolated}, {"xfs", Verdict::kHeld}, {"btrfs", Verdict::kUnknown}};
  EXPECT_EQ(Parsed(result)["models"],
            json({{"posix-minimal", "violated"}, {"xfs", "held"}, {"btrfs", "unknown"}}));
}

TEST(Json, KeepsNumbersThatDoNotFitADouble) {
  const json result = Parsed(SmallResult());
  EXPECT_EQ(result["seed"].get<uint64_t>(), 18446744073709551615ULL);
  EXPECT_EQ(result["coverage"]["states"], "123456789012345678901234567890");
}

TEST(Json, SaysWhatWasJudgedOfRecoverability) {
  Result result = SmallResult();
  result.findings[0].recoverability = "cured by the previous root";
  EXPECT_EQ(Parsed(result)["findings"][0]["recoverability"], "cured by the previous root");
}

TEST(Json, SurvivesMessagesThatAreNotUtf8) {
  Result result = SmallResult();
  result.findings[0].message = "bad byte \xff and half a letter \xc3";
  result.findings[0].lost = {"#1 write \x80"};
  result.coverage.unknown = {"\xfe"};
  const json parsed = Parsed(result);
  EXPECT_THAT(parsed["findings"][0]["message"].get<std::string>(),
              testing::StartsWith("bad byte "));
  EXPECT_EQ(parsed["verdict"], "violated");
}

TEST(Json, HasNoRateWithoutTimeAndNoFindingsWithoutFindings) {
  Result result;
  result.coverage.recoveries = 7;
  const json parsed = Parsed(result);
  EXPECT_EQ(parsed["rates"]["recoveries_per_s"], 0.0);
  EXPECT_EQ(parsed["findings"], json::array());
  result.elapsed_s = 3.5;
  EXPECT_EQ(Parsed(result)["rates"]["recoveries_per_s"], 2.0);
}

TEST(Json, EndsWithOneNewline) {
  const std::string text = RenderJson(Result());
  EXPECT_TRUE(text.ends_with("}\n"));
}

TEST(ReportFormats, HaveDistinctNamesAndRenderSomething) {
  std::vector<std::string> names;
  for (const ReportFormat& format : ReportFormats()) {
    names.emplace_back(format.name);
    EXPECT_FALSE(format.help.empty());
    EXPECT_TRUE(format.render(SmallResult()).ends_with('\n')) << format.name;
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"json", "junit"}));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

}  // namespace
}  // namespace plugpull
