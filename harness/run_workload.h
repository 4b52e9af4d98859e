// Drives an engine through the transactions of a trace, and says where each begins and where it is
// acknowledged. The same for engines that are linked and for those that are programs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "engine/engine.h"
#include "faults/base/error.h"
#include "harness/company.h"

namespace plugpull {

// Writes marks into a trace, behind what the engine has done so far.
class WorkloadMarks {
 public:
  virtual ~WorkloadMarks() = default;
  virtual void Begin(uint32_t transaction) = 0;
  virtual void Acknowledge(uint32_t transaction) = 0;
};

// Where the engine failed.
struct WorkloadFailure {
  uint32_t transaction = 0;  // 0: it failed to open
  bool in_company = false;   // a reader or a rollback before the transaction failed, not itself
  Error error;

  // Returns: "to open", "in transaction 3", "readers and rollbacks before transaction 3".
  std::string Where() const;
};

// Opens the store and runs `transactions`, of which [0] is transaction 1, after the first
// `acknowledged`. Stops at the first failure: its transaction has begun, and what became of it is
// unknown. `company`, if there is any, is told of each. Returns: that failure, or nothing.
std::optional<WorkloadFailure> RunWorkload(Engine& engine, WorkloadMarks& marks,
                                           std::span<const Transaction> transactions,
                                           uint32_t acknowledged, Company* company = nullptr);

}  // namespace plugpull
