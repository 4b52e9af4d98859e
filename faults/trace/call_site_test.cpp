#include "faults/trace/call_site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/persistence/snapshot.h"
#include "faults/trace/validate.h"

namespace plugpull {
namespace {

using testing::ElementsAre;

TEST(CallSite, IsNamedByTheFrameThatSaysMost) {
  EXPECT_EQ(NameOf({}), "");
  EXPECT_EQ(NameOf({{"tree::WriteMeta (tree.cpp:8)", "tree::Commit (tree.cpp:9)"}}),
            "tree::WriteMeta (tree.cpp:8)");
  EXPECT_EQ(NameOf({{"WriteFully::lambda (a.cpp:1)", "WriteFully (a.cpp:2)",
                     "tree::Transaction::Write (tree.cpp:3)", "tree::WriteMeta (tree.cpp:8)"}}),
            "tree::WriteMeta (tree.cpp:8)");
  EXPECT_EQ(NameOf({{"Sync (tree.cpp:8)"}}), "Sync (tree.cpp:8)");
}

TEST(CallSite, OfALibraryIsNamedByItAndItsInterface) {
  const std::string glue = "SqliteFile::Sync (sqlite_file.cpp:8)";
  const std::string engine = "SqliteEngine::Apply (sqlite_engine.cpp:9)";
  EXPECT_EQ(NameOf({{glue, "lib.so.0+0x1f", "lib.so.0+0x2f", "lib_step (lib.so.0+0x3f)", engine}}),
            "lib.so.0+0x1f in lib_step");
  EXPECT_EQ(NameOf({{glue, "lib_sync (lib.so.0+0x3f)", engine}}), "lib_sync (lib.so.0+0x3f)");
  EXPECT_EQ(NameOf({{glue, "lib.so.0+0x1f"}}), "lib.so.0+0x1f");
}

TEST(CallSite, NamesOfAllSitesDiffer) {
  EXPECT_THAT(NamesOf({{{"f", "g", "main"}}, {{"f", "h", "main"}}, {{"k", "main"}}}),
              ElementsAre("f, from g", "f, from h", "k"));
  EXPECT_THAT(NamesOf({{{"f", "g"}}, {{"f", "h", "g"}}}), ElementsAre("f", "f, from h"));
  EXPECT_THAT(NamesOf({{{"f", "g", "h"}}, {{"f", "h", "g"}}}),
              ElementsAre("f < g < h", "f < h < g"));
  EXPECT_THAT(NamesOf({}), ElementsAre());
}

TEST(CallSite, IsAddedOnce) {
  Trace trace;
  EXPECT_EQ(SiteOf(trace, {{"f"}}), 1U);
  EXPECT_EQ(SiteOf(trace, {{"g"}}), 2U);
  EXPECT_EQ(SiteOf(trace, {{"f"}}), 1U);
  EXPECT_EQ(SiteOf(trace, {}), 0U);
  EXPECT_EQ(trace.sites.size(), 2U);
}

// Three syncs, of g, of h and of nobody knows whom.
Trace SomeTrace() {
  Trace trace;
  trace.sites = {{{"f"}}, {{"g"}}, {{"h"}}};
  for (const uint32_t site : {2U, 3U, 0U}) {
    trace.ops.push_back({.kind = OpKind::kSyncAll, .site = site});
  }
  return trace;
}

TEST(CallSite, UnusedSitesAreLeftOut) {
  Trace trace = SomeTrace();
  KeepUsedSites(trace);
  EXPECT_THAT(trace.sites, ElementsAre(CallSite{{"g"}}, CallSite{{"h"}}));
  EXPECT_EQ(trace.ops[0].site, 1U);
  EXPECT_EQ(trace.ops[1].site, 2U);
  EXPECT_EQ(trace.ops[2].site, 0U);
  trace.ops.clear();
  KeepUsedSites(trace);
  EXPECT_EQ(trace, Trace());
}

TEST(CallSite, AppendedOperationsKeepTheirs) {
  Trace trace;
  trace.sites = {{{"h"}}};
  AppendOperations(trace, SomeTrace(), 0);
  EXPECT_THAT(trace.sites, ElementsAre(CallSite{{"h"}}, CallSite{{"g"}}));
  EXPECT_EQ(trace.ops[0].site, 2U);
  EXPECT_EQ(trace.ops[1].site, 1U);
  EXPECT_EQ(trace.ops[2].site, 0U);
  EXPECT_TRUE(ValidateTrace(trace));
}

TEST(CallSite, TwoBuildsDidTheSame) {
  Trace other = SomeTrace();
  other.sites[1].frames = {"moved"};
  EXPECT_FALSE(other == SomeTrace());
  EXPECT_EQ(WithoutSites(other), WithoutSites(SomeTrace()));
}

}  // namespace
}  // namespace plugpull
