#include "harness/stretch.h"

#include <fmt/format.h>

#include "harness/content.h"

namespace plugpull {

Stretch::Stretch(const Target& target, const std::vector<Transaction>& transactions,
                 const ReferenceModel& model, Promise promise, std::atomic<Phase>& phase)
    : target_(target),
      transactions_(transactions),
      model_(model),
      promise_(promise),
      phase_(phase) {}

std::optional<Violation> Stretch::Judge(Vfs& vfs, uint32_t recovered) {
  std::optional<Violation> violation = Use(vfs, recovered);
  if (violation && BrokenPromise(violation->violation) > promise_) return std::nullopt;
  return violation;
}

std::optional<Violation> Stretch::Use(Vfs& vfs, uint32_t recovered) {
  phase_ = Phase::kOpen;
  std::unique_ptr<Engine> engine = target_.Create(vfs);
  if (const Expected<void> opened = engine->Open(); !opened) {
    return Violation{ViolationClass::kRefusesToOpen, Describe(opened.error())};
  }
  phase_ = Phase::kUse;
  const uint32_t last = model_.transactions();
  for (uint32_t number = recovered + 1; number <= last; ++number) {
    const Expected<void> applied = engine->Apply(transactions_[number - 1]);
    if (applied) continue;
    return Violation{ViolationClass::kUnusableAfter,
                     fmt::format("transaction {} failed: {}", number, Describe(applied.error()))};
  }
  if (std::optional<Violation> wrong = Look(*engine, {last, last})) return wrong;
  const uint32_t acknowledged = last - engine->Pending();
  if (const Expected<void> closed = engine->Close(); !closed) {
    return Violation{ViolationClass::kUnusableAfter,
                     fmt::format("closing failed: {}", Describe(closed.error()))};
  }
  engine = target_.Create(vfs);
  if (const Expected<void> opened = engine->Open(); !opened) {
    return Violation{ViolationClass::kUnusableAfter,
                     fmt::format("opening after use failed: {}", Describe(opened.error()))};
  }
  return Look(*engine, {acknowledged, last});
}

std::optional<Violation> Stretch::Look(Engine& engine, Window window) {
  const Expected<CheckReport> report = engine.Check();
  if (!report) {
    return Violation{ViolationClass::kStructure,
                     fmt::format("the check failed: {}", Describe(report.error()))};
  }
  if (!report->structure.empty()) {
    return Violation{ViolationClass::kStructure, report->structure.front()};
  }
  if (!report->leaks.empty()) return Violation{ViolationClass::kLeak, report->leaks.front()};
  ContentVisitor visitor;
  if (const Expected<void> scanned = engine.Scan(visitor); !scanned) {
    return Violation{ViolationClass::kStructure,
                     fmt::format("reading failed: {}", Describe(scanned.error()))};
  }
  if (visitor.duplicates()) {
    return Violation{ViolationClass::kStructure, "a scan shows the same key twice"};
  }
  const ContentDigest digest = DigestOf(visitor.content());
  if (model_.Find(digest, window.acknowledged, window.attempted)) return std::nullopt;
  ContentFault fault = model_.Diagnose(visitor.content(), digest, window);
  return Violation{fault.violation, std::move(fault.message)};
}

}  // namespace plugpull
