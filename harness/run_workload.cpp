#include "harness/run_workload.h"

#include <fmt/format.h>

namespace plugpull {

std::string WorkloadFailure::Where() const {
  return transaction == 0 ? "to open" : fmt::format("in transaction {}", transaction);
}

std::optional<WorkloadFailure> RunWorkload(Engine& engine, WorkloadMarks& marks,
                                           std::span<const Transaction> transactions,
                                           uint32_t acknowledged) {
  if (const Expected<void> opened = engine.Open(); !opened) {
    return WorkloadFailure{.transaction = 0, .error = opened.error()};
  }
  for (uint32_t number = acknowledged + 1; number <= transactions.size(); ++number) {
    marks.Begin(number);
    if (const Expected<void> applied = engine.Apply(transactions[number - 1]); !applied) {
      return WorkloadFailure{.transaction = number, .error = applied.error()};
    }
    while (acknowledged + engine.Pending() < number) marks.Acknowledge(++acknowledged);
  }
  return std::nullopt;
}

}  // namespace plugpull
