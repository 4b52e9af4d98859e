// The report on syncs in each of its formats.
#include "reports/sync_report.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "reports/sync_report_testing.h"
#include "reports/sync_report_text.h"

namespace plugpull {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(SyncReport, JsonHasEverything) {
  const json report = json::parse(RenderSyncsJson(SmallSyncReport()), nullptr, false);
  EXPECT_EQ(report["schema"], "plugpull.syncs/1");
  EXPECT_EQ(report["seed"], 18446744073709551615ULL);
  EXPECT_EQ(report["promise"], "durable");
  EXPECT_EQ(report["models"][0]["verdict"], "violated");
  EXPECT_EQ(report["models"][0]["exhaustive"], false);
  EXPECT_EQ(report["models"][1]["exhaustive"], true);
  EXPECT_EQ(report["findings"][0]["case"], "findings/lost-commit-cabc0e67.case");
  EXPECT_EQ(report["missing"][0]["thing"], "fsync of the directory of journal");
  EXPECT_EQ(report["missing"][0]["removes"], json({"lost-commit-cabc0e67"}));
  EXPECT_EQ(report["unhelped"][0]["why"], "nothing was lost");
  ASSERT_EQ(report["places"].size(), 3U);
  const json& first = report["places"][0];
  EXPECT_EQ(first["use"], "load-bearing");
  EXPECT_EQ(first["redundant_under"], json({"xfs"}));
  EXPECT_EQ(first["frames"].size(), 2U);
  EXPECT_EQ(first["place"], nullptr);
  EXPECT_THAT(first["protects"].get<std::string>(), HasSubstr("durable: without it recovered"));
  const json& last = report["places"][2];
  EXPECT_EQ(last["use"], "unknown");
  EXPECT_EQ(last["redundant_under"], json::array());
  EXPECT_EQ(last["without"][0]["exhaustive"], false);
  EXPECT_EQ(report["together"][0]["places"], json({1, 2}));
}

TEST(SyncReport, ACheckOfTheUsersHasNoPromise) {
  SyncReport report = SmallSyncReport();
  report.is_checked_by_command = true;
  EXPECT_EQ(json::parse(RenderSyncsJson(report), nullptr, false)["promise"], nullptr);
}

TEST(SyncReport, ConsoleSaysWhereAndWhatFor) {
  const std::string text = RenderSyncsConsole(SmallSyncReport(), "out");
  EXPECT_THAT(text, HasSubstr("missing  fsync of the directory of journal\n"));
  EXPECT_THAT(text, HasSubstr("after unlink(journal), before the commit returns"));
  EXPECT_THAT(text, HasSubstr("with that  held under every model (exhaustive)"));
  EXPECT_THAT(text, HasSubstr("no sync helps against lost-commit-cabc0e67 under xfs"));
  EXPECT_THAT(text, HasSubstr("  1  fdatasync journal\n"));
  EXPECT_THAT(text, HasSubstr("Sync (pager.cpp:88)"));
  EXPECT_THAT(text, HasSubstr("24 times in 12 transactions"));
  EXPECT_THAT(text, HasSubstr("plugpull replay out/findings/lost-commit-cabc0e67.case"));
  EXPECT_THAT(text, HasSubstr("1 time in 1 transaction, never with anything to make durable"));
}

TEST(SyncReport, RedundantIsSaidOfExhaustiveSearchesOnly) {
  const SyncReport report = SmallSyncReport();
  EXPECT_EQ(UseText(report.places[0]),
            "load-bearing under posix-minimal; redundant under xfs (exhaustive)");
  EXPECT_EQ(UseText(report.places[1]), "redundant under every model (exhaustive)");
  const std::string unsure = UseText(report.places[2]);
  EXPECT_THAT(unsure, HasSubstr("nothing found to break under every model, but not all was "));
  EXPECT_THAT(unsure, HasSubstr("(sampled)"));
  EXPECT_THAT(unsure, Not(HasSubstr("redundant")));
}

TEST(SyncReport, WhatCannotGoTogetherIsSaid) {
  const SyncReport report = SmallSyncReport();
  EXPECT_THAT(SpareText(report, report.spare[0]),
              HasSubstr("2, 3: each alone is redundant under every model, not all together: that "
                        "breaks under posix-minimal: recovered"));
  EXPECT_EQ(SpareText(report, report.spare[1]),
            "1, 2: redundant under xfs, also all together (exhaustive)");
}

TEST(SyncReport, MarkdownKeepsItsCells) {
  const std::string text = RenderSyncsMarkdown(SmallSyncReport());
  EXPECT_THAT(text, HasSubstr("# Syncs of `engine:mode=fast`"));
  EXPECT_THAT(text, HasSubstr("| fsync of the directory of journal | after unlink(journal), "));
  EXPECT_THAT(text, HasSubstr("fsync store\\|x, the 1st of a transaction"));
}

TEST(SyncReport, TheLastLineCounts) {
  const std::string line = SyncsLastLine(SmallSyncReport());
  EXPECT_THAT(line, HasSubstr("1,200 syncs by 3 places: 1 load-bearing, 1 redundant, 1 unknown"));
  EXPECT_THAT(line, HasSubstr("; 1 missing; some damage no sync removes; 12,345 recoveries in 9 "));
}

TEST(SyncReport, ManyModelsAreTheOthersButAFew) {
  SyncPlaceReport place;
  for (const char* model : {"a", "b", "c", "d", "e", "f"}) {
    place.without.push_back({.model = model, .verdict = Verdict::kViolated, .bound = {}});
  }
  place.use = SyncUse::kLoadBearing;
  place.without.back().verdict = Verdict::kHeld;
  EXPECT_EQ(UseText(place), "load-bearing under every model but f; redundant under f (exhaustive)");
}

}  // namespace
}  // namespace plugpull
