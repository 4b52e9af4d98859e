// Goal: readers and rollbacks beside a workload are many and varied, the same for the same seed,
// and whatever a reader should not have seen is found. Method: a log whose readers misbehave.
#include "harness/company.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "faults/trace/trace_file.h"
#include "harness/reader_finding.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

RecordSettings Settings(const std::string& target, CompanySettings company,
                        uint32_t transactions = 30) {
  return {.target = target,
          .workload = "mixed",
          .options = {.seed = 1, .transactions = transactions, .keys = 8},
          .company = company};
}

std::string MessageOf(const std::string& target, CompanySettings company) {
  const Expected<Trace> trace = RecordHere(Settings(target, company));
  EXPECT_TRUE(trace.has_value()) << Describe(trace.error());
  const std::optional<ReaderChange> change = ReaderChangeOf(trace.value_or(Trace()));
  return change ? change->message : "nothing";
}

TEST(Company, GoodReadersShowTheSameUntilTheyAreClosed) {
  EXPECT_EQ(MessageOf("fragile_log", {.readers = 3, .rollbacks = 9}), "nothing");
}

TEST(Company, IsTheSameForTheSameSeedAndPartOfTheTrace) {
  const RecordSettings settings = Settings("fragile_log:readers=live", {2, 5});
  const Expected<Trace> first = RecordHere(settings);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(EncodeTrace(*first), EncodeTrace(*RecordHere(settings)));
  const Expected<RecordSettings> again = RecordSettingsOf(*first);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->company.readers, 2u);
  EXPECT_EQ(again->company.rollbacks, 5u);
  EXPECT_EQ(EncodeTrace(*first), EncodeTrace(*RecordHere(*again)));
}

TEST(Company, WithoutItATraceIsWhatItWasBefore) {
  const Expected<Trace> trace = RecordHere(Settings("fragile_log", {}));
  ASSERT_TRUE(trace.has_value());
  EXPECT_FALSE(trace->facts.contains("readers"));
  EXPECT_FALSE(trace->facts.contains("rollbacks"));
}

TEST(Company, AReaderThatChangesIsNamedWithKeyAndTransactions) {
  EXPECT_THAT(MessageOf("fragile_log:readers=live", {.readers = 1}),
              MatchesRegex("a reader that was opened after transaction [0-9]+ changed after "
                           "transaction [0-9]+: key 'key-[0-9]+' (has another value|is gone|is "
                           "there, which was not)"));
}

TEST(Company, AReaderThatSeesWhatWasRolledBackIsFound) {
  EXPECT_THAT(MessageOf("fragile_log:rollback=leaks", {.readers = 2, .rollbacks = 3}),
              HasSubstr("changed after a rollback behind transaction "));
  EXPECT_EQ(MessageOf("fragile_log:rollback=leaks", {.readers = 1}), "nothing");
}

TEST(Company, AReaderThatIsWrongFromTheBeginningIsFound) {
  EXPECT_THAT(MessageOf("fragile_log:readers=stale", {.readers = 1}),
              HasSubstr("does not show what that left"));
}

TEST(Company, AnEngineThatHasNoneIsNotRunInSilence) {
  for (const uint32_t transactions : {0u, 10u}) {
    const Expected<Trace> readers =
        RecordHere(Settings("fragile_log:readers=none", {.readers = 1}, transactions));
    ASSERT_FALSE(readers.has_value());
    EXPECT_EQ(readers.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(readers.error().context,
              "fragile_log:readers=none has no readers beside its writer; leave out --readers");
    const Expected<Trace> rollbacks =
        Record(Settings("fragile_log:rollback=none", {.rollbacks = 1}, transactions));
    ASSERT_FALSE(rollbacks.has_value());
    EXPECT_EQ(rollbacks.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(rollbacks.error().context, HasSubstr("has no way to roll a transaction back"));
  }
}

// Counts what is asked of it.
class Counting final : public Engine {
 public:
  struct Counts {
    uint32_t open = 0;
    uint32_t most_open = 0;
    uint32_t rollbacks = 0;
    uint32_t now = 0;
    std::vector<uint32_t> lifetimes = {};
  };

  explicit Counting(Counts& counts) : counts_(counts) {}
  Expected<void> Open() override { return {}; }
  Expected<void> Apply(const Transaction&) override {
    ++counts_.now;
    return {};
  }
  Expected<void> Scan(PairVisitor&) override { return {}; }
  Expected<CheckReport> Check() override { return CheckReport(); }
  Expected<void> Close() override { return {}; }
  Expected<std::unique_ptr<Snapshot>> OpenSnapshot() override {
    return std::make_unique<CountedSnapshot>(counts_);
  }
  Expected<bool> Rollback(const Transaction& transaction) override {
    EXPECT_FALSE(transaction.changes.empty());
    ++counts_.rollbacks;
    return true;
  }

 private:
  class CountedSnapshot final : public Snapshot {
   public:
    explicit CountedSnapshot(Counts& counts) : counts_(counts), opened_(counts.now) {
      counts_.most_open = std::max(counts_.most_open, ++counts_.open);
    }
    ~CountedSnapshot() override {
      --counts_.open;
      counts_.lifetimes.push_back(counts_.now - opened_);
    }
    Expected<void> Scan(PairVisitor&) override { return {}; }

   private:
    Counts& counts_;
    uint32_t opened_;
  };

  Counts& counts_;
};

TEST(Company, ReadersAreShortAndLongAndRollbacksAsManyAsAsked) {
  const std::vector<Transaction> transactions(200);
  Counting::Counts counts;
  Counting engine(counts);
  {
    Company company(engine, {.readers = 3, .rollbacks = 17}, {}, transactions, 0);
    for (uint32_t number = 1; number <= transactions.size(); ++number) {
      ASSERT_TRUE(company.Before(number).has_value());
      ASSERT_TRUE(engine.Apply(transactions[number - 1]).has_value());
      company.After(number);
    }
    ASSERT_TRUE(company.Before(201).has_value());
    EXPECT_FALSE(company.change().has_value());
  }
  EXPECT_EQ(counts.open, 0u);
  EXPECT_EQ(counts.most_open, 3u);
  EXPECT_EQ(counts.rollbacks, 17u);
  EXPECT_GT(counts.lifetimes.size(), 20u);
  EXPECT_LE(std::ranges::min(counts.lifetimes), 2u);
  EXPECT_GE(std::ranges::max(counts.lifetimes), 20u);
}

}  // namespace
}  // namespace plugpull
