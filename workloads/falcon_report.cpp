#include "workloads/falcon_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "engine/serial_log/data_page.h"
#include "engine/serial_log/locator_page.h"
#include "engine/serial_log/record_index.h"
#include "faults/base/assert.h"
#include "faults/base/random.h"

namespace plugpull {
namespace falcon_report {
namespace {

using namespace serial_log;

constexpr size_t kPageBytes = 4096;
constexpr uint32_t kSections = 2;  // of the engine, where nothing else is asked for
constexpr int32_t kSlots = LocatorSlots(kPageBytes);
constexpr auto kRoomBytes = static_cast<int32_t>(kPageBytes - kLineIndexAt);
constexpr int32_t kLine = kLineBytes;
static_assert(kReportSequence * kSlots + kReportSlot == kReportRecord);

// Records of this size leave so little room in a data page that no other fits.
constexpr int32_t kSmallBytes = 40;
constexpr int32_t kSmallsInAPage = kRoomBytes / (kSmallBytes + kLine);

// The records of page 2836 are longer than what is free in any other page.
constexpr int32_t kNeighbourBytes = 120;

// Long records, in section 1, whose overflow pages fill the file up to the pages of the report.
constexpr int32_t kLongs = 6;  // each time; a value has a megabyte at most

// Before page 1392: the fixed pages; the section page of section 0, with a locator page and data
// pages for each of the sequences before; the section page, locator page and data page of
// section 1.
constexpr int32_t kSmallsBefore = kReportSequence * kSlots;
constexpr int32_t kDataPagesOfSequence = (kSlots + kSmallsInAPage - 1) / kSmallsInAPage;
constexpr int32_t kPagesBefore =
    kFirstFreePage + 1 + kReportSequence * (1 + kDataPagesOfSequence) + 3;
constexpr int32_t kOverflowPagesBefore = kReportLocatorPage - kPagesBefore;

// Sequence 3, before page 2836: whole pages of small records, and one that the record before those
// of page 2836 fills.
constexpr int32_t kFirstNeighbour = kReportSlot - kReportLine;  // slot of line 0 of page 2836
constexpr int32_t kWholePages = kFirstNeighbour / kSmallsInAPage;
constexpr int32_t kSmallsInLastPage = kFirstNeighbour - kWholePages * kSmallsInAPage - 1;
constexpr int32_t kFillerBytes = kRoomBytes - kSmallsInLastPage * (kSmallBytes + kLine) - kLine;
static_assert(kFillerBytes >= kSmallBytes);
constexpr int32_t kOverflowPagesBetween = kReportDataPage - kReportLocatorPage - kWholePages - 2;

// Where in page 2836 the leftover bytes point to: below its ten records.
constexpr int32_t kLeftoverAt = 256;
constexpr int32_t kLeftoverLines = 3;  // that can be read as lines, from line 10 on

// The line that is read where there is none.
struct Leftover {
  uint16_t offset = kLeftoverAt;
  int16_t length = -static_cast<int16_t>(kOverflowLineBytes);
};

// In the middle of lines 0 and 1.
constexpr Leftover kOverNeighbours = {.offset = kPageBytes - kNeighbourBytes - 40,
                                      .length = kNeighbourBytes};

class Report {
 public:
  explicit Report(const WorkloadOptions& options) : random_(options.seed, "workload/falcon") {}

  std::vector<Transaction> Take() { return std::move(transactions_); }

  // Everything up to a complete checkpoint. Within a transaction, records are stored in the order
  // of their keys.
  void Build(const Leftover& leftover) {
    std::vector<std::string> longs;
    Begin(1);
    for (int32_t i = 0; i < kSmallsBefore; ++i) PutNew(kSmallBytes);
    Begin(3);
    PutLongs(kOverflowPagesBefore, longs);
    Begin(4);
    for (int32_t i = 0; i < kWholePages * kSmallsInAPage + kSmallsInLastPage; ++i) {
      PutNew(kSmallBytes);
    }
    PutNew(kFillerBytes);
    PutLongs(kOverflowPagesBetween, longs);
    Begin(5);
    PutNew(kNeighbourBytes);
    const std::string deleted = PutLeftover(leftover);
    Begin(6);
    Delete(deleted);
    Begin(7);
    for (const std::string& key : longs) Put(key, kSmallBytes);
    for (int32_t line = 1; line < kReportLine; ++line) PutNew(kNeighbourBytes);
  }

  // The transactions before `number` are complete.
  void Begin(uint32_t number) {
    Assert(number > transactions_.size(), "transactions come one after the other");
    transactions_.resize(number);
  }

  // Returns: the key.
  std::string PutNew(int32_t record_bytes, int32_t section = 0) {
    std::string key = NewKey(section);
    Put(key, record_bytes);
    return key;
  }

  void Put(const std::string& key, int32_t record_bytes) {
    const size_t without_value = MakeRecord(key, "").size();
    std::string value = fmt::format("{:06}:", values_++);
    value.resize(static_cast<size_t>(record_bytes) - without_value,
                 static_cast<char>('a' + random_.Below(26)));
    transactions_.back().changes.push_back({key, std::move(value)});
  }

  void Delete(const std::string& key) {
    transactions_.back().changes.push_back({key, std::nullopt});
  }

 private:
  void PutLongs(int32_t overflow_pages, std::vector<std::string>& keys) {
    for (int32_t i = 0; i < kLongs; ++i) {
      const int32_t pages = overflow_pages / kLongs + (i < overflow_pages % kLongs ? 1 : 0);
      keys.push_back(PutNew(pages * OverflowCapacity(kPageBytes), /*section=*/1));
    }
  }

  std::string NewKey(int32_t section) {
    for (;;) {
      std::string key = fmt::format("key-{:06}", keys_++);
      if (SectionOf(key, kSections) == section) return key;
    }
  }

  // A record that fills page 2836 down to its line index, behind the first one. Where the index
  // will end it has what is to be found there.
  std::string PutLeftover(const Leftover& leftover) {
    constexpr int32_t kIndexEnd = kLineIndexAt + 2 * kLineBytes;
    std::string key = PutNew(static_cast<int32_t>(kPageBytes) - kIndexEnd - kNeighbourBytes);
    std::string& value = *transactions_.back().changes.back().value;
    const size_t value_at = kIndexEnd + MakeRecord(key, "").size();
    const auto set = [&](size_t at, const auto& field) {
      Assert(at >= value_at && at + sizeof(field) <= value_at + value.size(), "it is in the value");
      std::memcpy(&value[at - value_at], &field, sizeof(field));
    };
    for (size_t line = kReportLine; line < kReportLine + kLeftoverLines; ++line) {
      const size_t at = kLineIndexAt + line * kLineBytes;
      set(at, leftover.offset);
      set(at + sizeof(leftover.offset), leftover.length);
    }
    set(kLeftoverAt, kReportWildPage);
    return key;
  }

  Random random_;
  uint32_t keys_ = 0;
  uint32_t values_ = 0;
  std::vector<Transaction> transactions_;
};

// Inserts record 2011 and those after it after the checkpoint. `end` goes on from there.
template <typename End>
std::vector<Transaction> Generate(const WorkloadOptions& options, const Leftover& leftover,
                                  int32_t records, End end) {
  Report report(options);
  report.Build(leftover);
  report.Begin(kReportInsert);
  std::string key;
  for (int32_t i = 0; i < records; ++i) key = report.PutNew(kNeighbourBytes);
  report.Begin(kReportTransactions);
  end(report, key);
  for (uint32_t number = kReportTransactions + 1; number <= options.transactions; ++number) {
    report.Begin(number);
    report.Put(key, kNeighbourBytes);
  }
  std::vector<Transaction> transactions = report.Take();
  transactions.resize(options.transactions);
  return transactions;
}

void NothingMore(Report& /*report*/, const std::string& /*key*/) {}

}  // namespace
}  // namespace falcon_report

std::vector<Transaction> FalconReport(const WorkloadOptions& options) {
  return falcon_report::Generate(options, {}, 1, falcon_report::NothingMore);
}

std::vector<Transaction> FalconReportOverwrite(const WorkloadOptions& options) {
  return falcon_report::Generate(options, falcon_report::kOverNeighbours, 1,
                                 falcon_report::NothingMore);
}

std::vector<Transaction> FalconReportThree(const WorkloadOptions& options) {
  return falcon_report::Generate(options, {}, 3, falcon_report::NothingMore);
}

std::vector<Transaction> FalconReportDelete(const WorkloadOptions& options) {
  return falcon_report::Generate(
      options, {.length = falcon_report::kNeighbourBytes}, 1,
      [](falcon_report::Report& report, const std::string& key) { report.Delete(key); });
}

}  // namespace plugpull
