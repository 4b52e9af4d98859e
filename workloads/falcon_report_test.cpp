// Goal: the report is what its numbers say, in the file. Method: the engine runs it with its
// default schedule, and is left as a process that is killed leaves it; then the pages are read, and
// the store is opened with each of the fixes.
#include "workloads/falcon_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/serial_log/data_page.h"
#include "engine/serial_log/locator_page.h"
#include "engine/serial_log/serial_log.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

namespace falcon = serial_log;
using testing::HasSubstr;
using testing::IsEmpty;
using Pairs = std::map<std::string, std::string>;

constexpr size_t kPageBytes = 4096;

class CollectText final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    const auto text = [](std::span<const std::byte> bytes) {
      return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    pairs.emplace(text(key), text(value));
  }
  Pairs pairs;
};

Pairs ContentOf(const std::vector<Transaction>& transactions) {
  Pairs pairs;
  for (const Transaction& transaction : transactions) {
    for (const Change& change : transaction.changes) {
      pairs.erase(change.key);
      if (change.value) pairs.emplace(change.key, *change.value);
    }
  }
  return pairs;
}

std::unique_ptr<Engine> MakeStore(Vfs& vfs, const std::string& fix,
                                  const std::string& flush_order = "ascending") {
  EngineOptions options;
  for (const OptionSpec& spec : SerialLogType().options()) options[spec.name] = spec.default_value;
  options["fix"] = fix;
  options["flush_order"] = flush_order;
  return SerialLogType().Create(vfs, options);
}

class FalconReportTest : public testing::Test {
 protected:
  void Run(const std::vector<Transaction>& transactions,
           const std::string& flush_order = "ascending") {
    transactions_ = transactions;
    const std::unique_ptr<Engine> engine = MakeStore(vfs_, "2b", flush_order);
    ASSERT_TRUE(engine->Open());
    for (const Transaction& transaction : transactions) {
      const auto applied = engine->Apply(transaction);
      ASSERT_TRUE(applied) << Describe(applied.error());
    }
  }

  std::vector<std::byte> Page(int32_t page) {
    const auto file = *vfs_.Open(falcon::kTablespacePath, {});
    std::vector<std::byte> bytes(kPageBytes);
    EXPECT_EQ(*file->Read(static_cast<uint64_t>(page) * kPageBytes, bytes), kPageBytes);
    return bytes;
  }

  // What an open says after the kill; "" when it succeeds and everything is as it should be.
  std::string Reopen(const std::string& fix) {
    MemoryVfs left(vfs_.image());
    const std::unique_ptr<Engine> engine = MakeStore(left, fix);
    if (const auto opened = engine->Open(); !opened) return opened.error().context;
    const auto report = engine->Check();
    if (!report) return report.error().context;
    if (!report->structure.empty()) return report->structure.front();
    EXPECT_THAT(report->leaks, IsEmpty());
    CollectText visitor;
    if (const auto scanned = engine->Scan(visitor); !scanned) return scanned.error().context;
    return visitor.pairs == ContentOf(transactions_) ? "" : "other contents";
  }

  MemoryVfs vfs_;
  std::vector<Transaction> transactions_;
};

TEST_F(FalconReportTest, IsInTheFileToTheNumber) {
  Run(FalconReport({.transactions = kReportTransactions}));
  const std::vector<std::byte> locator = Page(1392);
  EXPECT_EQ(falcon::LoadPageHeader(locator).type, falcon::PageType::kLocator);
  EXPECT_EQ(falcon::LoadLocatorHeader(locator).section, 0);
  EXPECT_EQ(falcon::LoadLocatorHeader(locator).sequence, 3);
  EXPECT_EQ(2011 / falcon::LocatorSlots(kPageBytes), 3);
  EXPECT_EQ(2011 % falcon::LocatorSlots(kPageBytes), 484);
  const falcon::LocatorElement element = falcon::LoadElement(locator, 484);
  EXPECT_EQ(element.page, 2836);
  EXPECT_EQ(element.line, 10);
  EXPECT_EQ(element.space_available, 0);
  for (int32_t line = 0; line < 10; ++line) {
    EXPECT_EQ(falcon::LoadElement(locator, 474 + line).page, 2836);
    EXPECT_EQ(falcon::LoadElement(locator, 474 + line).line, line);
  }

  const std::vector<std::byte> data = Page(2836);
  EXPECT_EQ(falcon::LoadPageHeader(data).type, falcon::PageType::kData);
  EXPECT_EQ(falcon::LoadMaxLine(data), 10);
  for (int32_t line = 0; line < 10; ++line) EXPECT_TRUE(falcon::HasLine(data, line)) << line;
  const falcon::DataLine leftover = falcon::LoadLine(data, 10);
  EXPECT_LT(leftover.length, 0);
  ASSERT_LT(leftover.offset, kPageBytes - 4);
  EXPECT_EQ(falcon::Load<int32_t>(&data[leftover.offset]), 0x01013E7F);
  EXPECT_EQ(0x01013E7F, 16858751);
}

TEST_F(FalconReportTest, RedoFreesThePageOfTheMail) {
  Run(FalconReport({.transactions = kReportTransactions}));
  EXPECT_THAT(Reopen("none"), HasSubstr("page 16858751"));
  EXPECT_EQ(Reopen("2a"), "");
  EXPECT_EQ(Reopen("2b"), "");
}

TEST_F(FalconReportTest, RedoWritesOverNeighbours) {
  Run(FalconReportOverwrite({.transactions = kReportTransactions}));
  EXPECT_THAT(Reopen("none"), HasSubstr("F-I"));
  EXPECT_EQ(Reopen("2a"), "");
  EXPECT_EQ(Reopen("2b"), "");
}

TEST_F(FalconReportTest, ThreeRecordsAreMissing) {
  Run(FalconReportThree({.transactions = kReportTransactions}));
  EXPECT_THAT(Reopen("none"), HasSubstr("page 16858751"));
  EXPECT_EQ(Reopen("2a"), "");
  EXPECT_EQ(Reopen("2b"), "");
}

TEST_F(FalconReportTest, DeleteOfAMissingRecord) {
  Run(FalconReportDelete({.transactions = kReportTransactions}));
  EXPECT_THAT(Reopen("none"), HasSubstr("F-I1"));
  EXPECT_EQ(Reopen("2a"), "");
  EXPECT_EQ(Reopen("2b"), "");
}

// With careful writes the locator page is never on disk alone.
TEST_F(FalconReportTest, CarefulWritesDoNotGetThere) {
  Run(FalconReport({.transactions = kReportTransactions}), "careful");
  EXPECT_TRUE(falcon::HasLine(Page(2836), 10));
  EXPECT_EQ(Reopen("none"), "");
}

// Before the transaction that inserts the record, there is nothing to report.
TEST_F(FalconReportTest, IsSoundBeforeItBegins) {
  Run(FalconReport({.transactions = kReportInsert - 1}));
  EXPECT_EQ(Reopen("none"), "");
}

}  // namespace
}  // namespace plugpull
