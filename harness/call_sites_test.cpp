// Goal: recordings of the linked engines name who called, so that syncs can be told apart; in this
// process, in a child, and again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "faults/trace/call_site.h"
#include "harness/case_file.h"
#include "harness/record.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

Trace Recorded(const std::string& target) {
  const Expected<Trace> trace =
      RecordHere({.target = target, .options = {.transactions = 20, .keys = 10}});
  EXPECT_TRUE(trace.has_value()) << Describe(trace.error());
  return trace.value_or(Trace());
}

// Returns: the sites of operations of this kind.
std::set<std::string> NamesFor(const Trace& trace, OpKind kind) {
  std::set<std::string> names;
  for (const Op& op : trace.ops) {
    if (op.kind == kind) names.insert(op.site == 0 ? "" : NameOf(trace.sites[op.site - 1]));
  }
  return names;
}

TEST(CallSites, OfCowTreeSayWhichStepOfACommitItIs) {
  const Trace trace = Recorded("cow_tree");
  EXPECT_THAT(NamesFor(trace, OpKind::kDataSync),
              UnorderedElementsAre(StartsWith("cow_tree::InitializeFile (store_file.cpp:"),
                                   StartsWith("cow_tree::WriteTransaction::SyncPages (write_t"),
                                   StartsWith("cow_tree::WriteTransaction::SyncMeta (write_tr")));
  EXPECT_THAT(NamesFor(trace, OpKind::kWrite),
              UnorderedElementsAre(StartsWith("cow_tree::InitializeFile (store_file.cpp:"),
                                   StartsWith("cow_tree::WriteTransaction::WriteRuns (write_tra"),
                                   StartsWith("cow_tree::WriteMetaPage (store_file.cpp:")));
  EXPECT_THAT(NamesFor(trace, OpKind::kSync),
              ElementsAre(StartsWith("cow_tree::WriteTransaction::GrowFile (write_transac")));
  EXPECT_THAT(NamesFor(trace, OpKind::kSyncDirectory),
              ElementsAre(StartsWith("cow_tree::CreateByRename (store_file.cpp:")));
}

TEST(CallSites, AreOfEveryOperationAndOfTheEngineAlone) {
  for (const char* target : {"cow_tree", "sqlite:journal=wal", "sqlite:journal=delete"}) {
    const Trace trace = Recorded(target);
    for (const Op& op : trace.ops) {
      const bool is_mark = op.kind == OpKind::kBegin || op.kind == OpKind::kAcknowledge;
      EXPECT_EQ(op.site == 0, is_mark);
    }
    for (const CallSite& site : trace.sites) {
      const std::string text = IdentityOf(site);
      EXPECT_THAT(site.frames.back(), HasSubstr("Engine::")) << text;
      for (const char* foreign : {"RecordingVfs", "RecordingFile", "RunWorkload", "/", "std::"}) {
        EXPECT_THAT(text, Not(HasSubstr(foreign)));
      }
    }
  }
}

TEST(CallSites, OfSqliteTellItsSyncsApart) {
  // Of a rollback journal: its pages, its header, the database, and the directory that has it.
  const Trace trace = Recorded("sqlite:journal=delete,sync=full");
  std::set<std::string> sites;
  for (const Op& op : trace.ops) {
    if (op.kind == OpKind::kDataSync) sites.insert(IdentityOf(trace.sites[op.site - 1]));
  }
  EXPECT_GE(sites.size(), 3U);
  EXPECT_GE(NamesFor(trace, OpKind::kDataSync).size(), 3U);
  for (const std::string& site : sites) {
    EXPECT_THAT(site, HasSubstr("libsqlite3.so"));
    EXPECT_THAT(site, HasSubstr("sqlite3_step (libsqlite3.so"));
    EXPECT_THAT(site, StartsWith("SqliteFile::Sync (sqlite_file.cpp:"));
  }
}

TEST(CallSites, AreTheSameAgainAndInAChild) {
  for (const char* target : {"cow_tree", "sqlite:journal=wal"}) {
    const RecordSettings settings{.target = target, .options = {.transactions = 6, .keys = 6}};
    const Expected<Trace> here = RecordHere(settings);
    const Expected<Trace> again = RecordHere(settings);
    const Expected<Trace> there = Record(settings);
    ASSERT_TRUE(here && again && there);
    EXPECT_FALSE(here->sites.empty());
    EXPECT_EQ(here->sites, again->sites);
    EXPECT_EQ(here->sites, there->sites);
    EXPECT_EQ(*here, *there);
  }
}

TEST(CallSites, StayWithWhatIsCutFromATrace) {
  const Trace trace = Recorded("cow_tree");
  const size_t position = 4;  // made, written, synced, renamed
  const Trace cut = CutTrace(trace, position, 0);
  EXPECT_LT(cut.sites.size(), trace.sites.size());
  for (size_t i = 0; i < position; ++i) {
    ASSERT_NE(cut.ops[i].site, 0U);
    EXPECT_EQ(cut.sites[cut.ops[i].site - 1], trace.sites[trace.ops[i].site - 1]);
  }
}

}  // namespace
}  // namespace plugpull
