#include "faults/inject/failure_injector.h"

#include <algorithm>
#include <utility>

#include "faults/base/assert.h"
#include "faults/base/random.h"

namespace plugpull {

FailureInjector::FailureInjector(FailurePlan plan)
    : plan_(std::move(plan)), matched_(plan_.rules.size()), fired_(plan_.rules.size()) {
  Resume();
}

FailureInjector::~FailureInjector() { Suspend(); }

void FailureInjector::Suspend() {
  if (internal::armed_injector == this) internal::armed_injector = nullptr;
}

void FailureInjector::Resume() {
  Assert(internal::armed_injector == nullptr || internal::armed_injector == this,
         "one plan is armed at a time");
  internal::armed_injector = this;
}

void FailureInjector::NoteLateFailure() {
  if (internal::armed_injector != nullptr) ++internal::armed_injector->failures_;
}

bool FailureInjector::Fires(size_t rule_index, const FailureQuestion& question) {
  const FailureRule& rule = plan_.rules[rule_index];
  if (!IsAbout(rule, question.point)) return false;
  const FailurePointInfo& info = InfoOf(question.point);
  if (rule.os_errno == 0) {
    // A call that asks for no more than that is not cut short by it.
    if (!info.is_short || question.size_bytes <= rule.short_bytes) return false;
  } else if (std::ranges::find(info.errnos, rule.os_errno) == info.errnos.end()) {
    return false;  // one of the points of a wildcard that cannot return it
  }
  if (!MatchesGlob(rule.path, question.path)) return false;
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

std::optional<Failure> FailureInjector::Decide(const FailureQuestion& question) {
  if (keeps_calls_) {
    calls_.push_back({question.point, std::string(question.path), question.size_bytes});
  }
  std::optional<Failure> failure;
  for (size_t i = 0; i < plan_.rules.size(); ++i) {
    if (!Fires(i, question) || failure) continue;  // every rule counts its calls
    const FailureRule& rule = plan_.rules[i];
    failure = Failure{
        .os_errno = rule.os_errno, .done_bytes = rule.short_bytes, .aftermath = rule.aftermath};
    ++fired_[i];
    last_ = i;
  }
  if (failure && failures_++ == 0 && on_first_) on_first_();
  return failure;
}

}  // namespace plugpull
