// What `plugpull selftest` tells: for each planted bug whether and how it was found, for each good
// configuration whether it was left alone. Schema plugpull.selftest/1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plugpull {

enum class SelftestOutcome : uint8_t {
  kKilled,      // a bug was found, as it should be
  kEquivalent,  // a bug that does no harm on a correct disk was left alone there
  kHeld,        // something good was left alone
  kMissed,      // a bug was not found, or not as it should be
  kFalseAlarm,  // something good was accused
  kBroken,      // the run itself came to nothing
};

std::string_view Name(SelftestOutcome outcome);

// Returns: true when the harness did what it should.
bool IsGood(SelftestOutcome outcome);

struct SelftestRow {
  std::string name;  // "M1"
  std::string bug;   // what it is, in words
  std::string target;
  std::string run = {};             // "8 transactions, 3 readers"
  std::string coverage = {};        // of the run on a correct disk: exhaustive, bounded or sampled
  std::string first_schedule = {};  // of the first finding; empty: there is none
  std::optional<uint64_t> recoveries = {};  // until then
  std::vector<std::string> oracles = {};    // classes that fired, the weakest promises first
  std::string message = {};                 // of the finding that was expected
  std::string level = {};                   // the weakest that reaches it
  SelftestOutcome outcome = SelftestOutcome::kBroken;
  std::string note = {};          // why it is equivalent, or what is wrong
  uint64_t total_recoveries = 0;  // of the whole row
  double elapsed_s = 0;
};

struct SelftestReport {
  std::string version;
  std::string commit;
  std::vector<SelftestRow> rows;
  uint64_t litmus_cells = 0;
  std::vector<std::string> litmus_wrong;  // "L1 PM: expected A, computed -"
  double elapsed_s = 0;
  bool interrupted = false;

  bool passed() const;
};

// Returns: counts and the verdict.
std::string SelftestLastLine(const SelftestReport& report);

// Returns: the table for a terminal of any width above 100 columns, what went wrong, a last line.
std::string RenderSelftestConsole(const SelftestReport& report);
std::string RenderSelftestMarkdown(const SelftestReport& report);
std::string RenderSelftestJson(const SelftestReport& report);

}  // namespace plugpull
