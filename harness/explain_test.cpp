// Goal: an explanation says what is so: in the engine's words where the facts are its own, with the
// lost operation, the missing sync and the keys; of every kind of case a correct paragraph.
#include "harness/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/explain_testing.h"

namespace plugpull {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

CaseExplanation Told(const Case& saved) {
  const Expected<CaseExplanation> told = Explain(saved, {});
  EXPECT_TRUE(told.has_value()) << Describe(told.error());
  return told.value_or(CaseExplanation());
}

size_t RowOf(const CaseExplanation& told, RowMark mark) {
  for (size_t i = 0; i < told.timeline.size(); ++i) {
    if (told.timeline[i].mark == mark) return i;
  }
  ADD_FAILURE() << "no row is marked " << Name(mark);
  return 0;
}

TEST(ExplainTest, SqliteFindsAHotJournalAndRollsTheTransactionBack) {
  const Case saved = SqliteCase();
  const CaseExplanation told = Told(saved);
  EXPECT_TRUE(told.is_reproduced) << told.instead;
  EXPECT_THAT(told.lost, HasSubstr("lost the unlink of test.db-journal"));
  EXPECT_THAT(told.recovered,
              AllOf(HasSubstr("which commits transaction 4, was not yet durable"),
                    HasSubstr("SQLite finds a hot journal"), HasSubstr("rolls transaction 4 back"),
                    HasSubstr("shows the contents after transaction 3")));
  EXPECT_THAT(told.missing, AllOf(HasSubstr("where transaction 4 is acknowledged"),
                                  HasSubstr("sync the directory . (fsync)")));
  // The key of transaction 4 has the value of transaction 1.
  ASSERT_EQ(told.keys.size(), 1);
  EXPECT_EQ(told.keys[0].found, "the value of transaction 1");
  EXPECT_EQ(told.keys[0].expected, "the value of transaction 4");
}

TEST(ExplainTest, TheTimelineHasTheLossTheMissingSyncAndTheCrash) {
  const CaseExplanation told = Told(SqliteCase());
  const size_t lost = RowOf(told, RowMark::kLost);
  const size_t missing = RowOf(told, RowMark::kMissing);
  EXPECT_EQ(told.timeline[lost].what, "unlink test.db-journal");
  EXPECT_EQ(told.timeline[lost].transaction, 4);
  EXPECT_EQ(missing, lost + 1);
  EXPECT_EQ(told.timeline[missing + 1].mark, RowMark::kAcknowledge);
  EXPECT_EQ(told.timeline.back().mark, RowMark::kCrash);
  EXPECT_THAT(told.recovery, testing::Contains(HasSubstr("test.db-journal, which is there only")));
}

TEST(ExplainTest, OfALogSqliteBelievesWhatComesBeforeTheLoss) {
  const std::string target = "sqlite:journal=wal,sync=normal";
  const Trace trace = TraceOf(target, SmallTransactions(4));
  const size_t begin = LastOp(trace, trace.ops.size(), OpKind::kBegin);
  std::vector<AtomId> lost;
  for (size_t i = begin; i < trace.ops.size(); ++i) {
    if (trace.ops[i].kind != OpKind::kWrite) continue;
    lost.push_back({static_cast<uint32_t>(i), AtomKind::kData, 0});
    lost.push_back({static_cast<uint32_t>(i), AtomKind::kSize, 0});
  }
  const CaseExplanation told = Told(CaseOf(target, trace, trace.ops.size(), lost));
  EXPECT_TRUE(told.is_reproduced) << told.instead;
  EXPECT_THAT(told.recovered, AllOf(HasSubstr("In test.db-wal the chain of checksums ends"),
                                    HasSubstr("shows the contents after transaction 3")));
  EXPECT_THAT(told.missing, HasSubstr("sync test.db-wal"));
}

TEST(ExplainTest, CowTreeTakesAMetaWhosePageWasLost) {
  const Case saved = CaseOfM1();
  const CaseExplanation told = Told(saved);
  EXPECT_TRUE(told.is_reproduced) << told.instead;
  EXPECT_THAT(told.recovered, AllOf(HasSubstr("Opening takes the newest meta"),
                                    HasSubstr("of transaction 4"), HasSubstr("was lost")));
  EXPECT_THAT(told.missing, HasSubstr("sync store.db"));
  EXPECT_EQ(RowOf(told, RowMark::kMissing) + 2, told.timeline.size() - 1)
      << "the sync belongs before the meta, which is the last operation";
}

TEST(ExplainTest, CowTreeTakesTheOtherMetaWhereTheNewestWasLost) {
  const CaseExplanation told = Told(CaseOfM19());
  EXPECT_TRUE(told.is_reproduced) << told.instead;
  EXPECT_THAT(told.recovered, AllOf(HasSubstr("was lost, so opening takes the other meta"),
                                    HasSubstr("shows the contents after transaction 3")));
  EXPECT_THAT(told.missing,
              AllOf(HasSubstr("where transaction 4 is acknowledged"), HasSubstr("sync store.db")));
}

TEST(ExplainTest, WhatADiskDidBeyondItsContractIsSaidAndNoSyncIsBlamed) {
  const std::string target = "cow_tree";
  const Trace trace = TraceOf(target, SmallTransactions(4));
  const size_t meta = LastOp(trace, trace.ops.size(), IsMetaWrite);
  const size_t page = LastOp(trace, meta, IsPageWrite);
  const std::string fault =
      "zeroed-page(file=store.db,page=" + std::to_string(trace.ops[page].offset_bytes / 4096) + ")";
  const CaseExplanation told =
      Told(CaseOf(target, trace, trace.ops.size(), {}, Tear::kNone, fault));
  EXPECT_TRUE(told.is_reproduced) << told.instead;
  EXPECT_THAT(told.lost, AllOf(HasSubstr("The disk broke its contract: zeroed-page"),
                               HasSubstr("lost nothing")));
  EXPECT_THAT(told.missing, HasSubstr("No sync of the program's helps"));
}

TEST(ExplainTest, ACaseThatIsNotSeenSaysSo) {
  Case saved = SqliteCase();
  saved.lost.clear();
  const CaseExplanation told = Told(saved);
  EXPECT_FALSE(told.is_reproduced);
  EXPECT_EQ(told.instead, "held");
  EXPECT_THAT(told.missing, IsEmpty());
  EXPECT_THAT(RenderExplanationConsole(told, {}), HasSubstr("NOT SEEN HERE. Instead: held"));
}

// A case comes from anywhere: what it says is lost may be nothing that its trace can lose.
TEST(ExplainTest, LossesThatMakeNoSenseAreNoDanger) {
  const Case sound = SqliteCase();
  for (uint32_t op = 1; op < sound.trace.ops.size(); op += 30) {
    Case saved = sound;
    for (size_t kind = 0; kind <= static_cast<size_t>(kLastAtomKind); ++kind) {
      saved.lost.push_back({op, static_cast<AtomKind>(kind), 1'000'000});
    }
    std::ranges::sort(saved.lost);
    saved.settings.tear = op % 60 == 1 ? Tear::kNone : Tear::kSectorsAny;
    EXPECT_TRUE(Explain(saved, {}).has_value()) << op;
  }
}

TEST(ExplainTest, LinesFitAndObeyNobody) {
  CaseExplanation told = Told(SqliteCase());
  told.recovered = "\x1b[31mred " + std::string(300, 'x');
  told.timeline.front().what = "write 1 bytes at 0 of " + std::string(200, 'n') + "\x07";
  const std::string text = RenderExplanationConsole(told, {});
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    EXPECT_LE(end - at, 100) << text.substr(at, end - at);
    at = end + 1;
  }
  EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07"))));
}

}  // namespace
}  // namespace plugpull
