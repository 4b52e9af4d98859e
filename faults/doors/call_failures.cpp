#include "faults/doors/call_failures.h"

#include <utility>

#include "faults/base/random.h"
#include "faults/doors/call_table.h"

namespace plugpull {

CallFailures::CallFailures(FailurePlan plan)
    : plan_(std::move(plan)), matched_(plan_.rules.size()), fired_(plan_.rules.size()) {}

bool CallFailures::Fires(size_t rule_index, const CallQuestion& question) {
  const FailureRule& rule = plan_.rules[rule_index];
  if (!MatchesGlob(rule.point, CallPoint(question.name))) return false;
  if (!MatchesGlob(rule.path, question.path)) return false;
  if (rule.os_errno == 0) {
    // A call that asks for no more than that is not cut short by it.
    if (!CanBeShort(question.name) || question.size_bytes <= rule.short_bytes) return false;
  }
  if (rule.offset_bytes) {
    const bool covers = *rule.offset_bytes >= question.offset_bytes &&
                        *rule.offset_bytes - question.offset_bytes < question.size_bytes;
    if (!covers) return false;
  }
  const uint64_t number = ++matched_[rule_index];
  if (rule.share) {
    const uint64_t draw = Mix64(Mix64(rule.share->seed) ^ number);
    return Random(draw).OneIn(rule.share->numerator, rule.share->denominator);
  }
  return rule.always ? number >= rule.call : number == rule.call;
}

std::optional<Failure> CallFailures::Decide(const CallQuestion& question) {
  std::optional<Failure> failure;
  for (size_t i = 0; i < plan_.rules.size(); ++i) {
    if (!Fires(i, question) || failure) continue;
    const FailureRule& rule = plan_.rules[i];
    failure = Failure{
        .os_errno = rule.os_errno, .done_bytes = rule.short_bytes, .aftermath = rule.aftermath};
    ++fired_[i];
  }
  return failure;
}

}  // namespace plugpull
