#include "harness/run_workload.h"

#include <fmt/format.h>

#include "faults/vfs/call_stack.h"

namespace plugpull {

std::string WorkloadFailure::Where() const {
  if (in_company) return fmt::format("readers and rollbacks before transaction {}", transaction);
  return transaction == 0 ? "to open" : fmt::format("in transaction {}", transaction);
}

std::optional<WorkloadFailure> RunWorkload(Engine& engine, WorkloadMarks& marks,
                                           std::span<const Transaction> transactions,
                                           uint32_t acknowledged, Company* company) {
  const CallBorder border;
  if (const Expected<void> opened = engine.Open(); !opened) {
    return WorkloadFailure{.transaction = 0, .error = opened.error()};
  }
  const auto meet = [company](uint32_t number) -> std::optional<WorkloadFailure> {
    if (company == nullptr) return std::nullopt;
    const Expected<void> met = company->Before(number);
    if (met) return std::nullopt;
    return WorkloadFailure{.transaction = number, .in_company = true, .error = met.error()};
  };
  for (uint32_t number = acknowledged + 1; number <= transactions.size(); ++number) {
    if (std::optional<WorkloadFailure> failed = meet(number)) return failed;
    marks.Begin(number);
    if (const Expected<void> applied = engine.Apply(transactions[number - 1]); !applied) {
      return WorkloadFailure{.transaction = number, .error = applied.error()};
    }
    while (acknowledged + engine.Pending() < number) marks.Acknowledge(++acknowledged);
    if (company != nullptr) company->After(number);
  }
  return meet(static_cast<uint32_t>(transactions.size()) + 1);
}

}  // namespace plugpull
