// Drives an engine through the transactions of a trace, and says where each begins and where it is
// acknowledged. The same for engines that are linked and for those that are programs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "engine/engine.h"
#include "faults/base/error.h"

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
  Error error;

  // Returns: "to open", "in transaction 3".
  std::string Where() const;
};

// Opens the store and runs `transactions`, of which [0] is transaction 1, after the first
// `acknowledged`. Stops at the first failure: its transaction has begun, and what became of it is
// unknown. Returns: that failure, or nothing.
std::optional<WorkloadFailure> RunWorkload(Engine& engine, WorkloadMarks& marks,
                                           std::span<const Transaction> transactions,
                                           uint32_t acknowledged);

}  // namespace plugpull
