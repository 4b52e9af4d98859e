// Who else is there while a workload runs: readers that come and go, and transactions that are
// rolled back. Where and when is drawn from the seed, so the same run has the same company again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "faults/base/random.h"
#include "harness/readers.h"
#include "workloads/workload.h"

namespace plugpull {

struct CompanySettings {
  uint32_t readers = 0;    // at most so many are open at a time, as good as always
  uint32_t rollbacks = 0;  // transactions that are rolled back, in all
};

// A reader that saw what it should not have seen.
struct ReaderChange {
  uint32_t transaction = 0;  // the last one that had been run when it was noticed
  std::string message;
};

// Half of the readers are short, the others outlive many transactions: what an engine keeps for the
// oldest of them is one thing, what it may reuse between two of them another.
class Company {
 public:
  // `transactions`: all of them, [0] is transaction 1; the store shows the first `acknowledged`.
  // Requires: everything referred to outlives the company.
  Company(Engine& engine, const CompanySettings& settings, const WorkloadOptions& workload,
          std::span<const Transaction> transactions, uint32_t acknowledged);

  // Lets readers go and come, and rolls back. Call it before each transaction, and once more, with
  // the number that would follow, after the last. Errors: the engine's, with nothing made to fail.
  Expected<void> Before(uint32_t transaction);

  // Looks at every reader again after a transaction was committed.
  void After(uint32_t transaction);

  // The first thing that was wrong, if any.
  const std::optional<ReaderChange>& change() const { return change_; }

  // What the engine lacks that was asked for: "readers beside its writer"; empty: nothing.
  const std::string& lacks() const { return lacks_; }

 private:
  struct Seat {
    std::optional<Reader> reader;
    uint32_t opened_after = 0;
    uint32_t changes_before = 0;  // the transaction before which it opens, or closes
  };

  Expected<void> Take(Seat& seat, uint32_t transaction);
  Expected<void> RollBack(uint32_t before);
  void LookAgain(uint32_t transaction, const std::string& when);
  void Note(uint32_t transaction, std::string message);

  Engine& engine_;
  const WorkloadOptions workload_;
  std::span<const Transaction> transactions_;
  Random random_;
  std::vector<Seat> seats_;
  std::vector<uint32_t> rollbacks_;  // before which transactions, ascending
  size_t rolled_back_ = 0;
  Content content_;  // after the last transaction; kept for readers only
  std::optional<ReaderChange> change_;
  std::string lacks_;
};

}  // namespace plugpull
