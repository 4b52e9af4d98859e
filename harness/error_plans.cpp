#include "harness/error_plans.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "faults/inject/failure_point.h"
#include "faults/persistence/tear.h"

namespace plugpull {
namespace {

// Appends the plans of one way to fail: once, and from then on.
void Add(const FailureRule& rule, std::vector<FailurePlan>& plans) {
  plans.push_back({{rule}});
  if (rule.os_errno == EINTR || rule.os_errno == ENOMEM) return;
  FailureRule always = rule;
  always.always = true;
  plans.push_back({{always}});
}

FailedSync FailedSyncOf(Aftermath aftermath) {
  switch (aftermath) {
    case Aftermath::kKeep:
    case Aftermath::kKeepEvict:
      return FailedSync::kKeep;
    case Aftermath::kLate:
      return FailedSync::kLate;
    case Aftermath::kRevert:
      return FailedSync::kRevert;
  }
  return FailedSync::kKeep;
}

void AddSync(const FailureRule& rule, std::vector<FailurePlan>& plans) {
  // What file systems do after a failure depends on the file system, not on the errno.
  if (rule.os_errno != EIO) {
    Add(rule, plans);
    return;
  }
  for (size_t aftermath = 0; aftermath < kAftermaths; ++aftermath) {
    for (const bool restart : {false, true}) {
      FailureRule each = rule;
      each.aftermath = static_cast<Aftermath>(aftermath);
      each.restart = restart;
      Add(each, plans);
    }
  }
}

}  // namespace

std::vector<FailurePlan> PlansForEach(const std::vector<CallSeen>& calls) {
  std::vector<FailurePlan> plans;
  std::array<uint64_t, kFailurePoints> number{};
  for (const CallSeen& call : calls) {
    const FailurePointInfo& info = InfoOf(call.point);
    FailureRule rule;
    rule.point = info.name;
    rule.call = ++number[static_cast<size_t>(call.point)];
    for (const int os_errno : info.errnos) {
      rule.os_errno = os_errno;
      if (info.has_aftermath) {
        AddSync(rule, plans);
      } else {
        Add(rule, plans);
      }
    }
    if (!info.is_short || call.size_bytes < 2) continue;
    // Only calls that ask for more than a rule's short count are counted by it, so the number is
    // another one: that among the calls which are longer.
    rule.os_errno = 0;
    rule.short_bytes = std::min(kSectorBytes, call.size_bytes / 2);
    rule.call = 0;
    for (const CallSeen& before : calls) {
      if (before.point == call.point && before.size_bytes > rule.short_bytes) ++rule.call;
      if (&before == &call) break;
    }
    // Small pieces from then on would cut the pages of the rest of the run into thousands of them.
    if (rule.short_bytes == kSectorBytes) {
      Add(rule, plans);
    } else {
      plans.push_back({{rule}});
    }
  }
  return plans;
}

bool Fits(const FailurePlan& plan, const Model& model) {
  const bool is_of_sets = model.shape == Shape::kClosedSet || model.shape == Shape::kCommitAndLog;
  if (!is_of_sets || model.name.starts_with(Models().front().name)) return true;
  return std::ranges::all_of(plan.rules, [&model](const FailureRule& rule) {
    const bool has_aftermath = rule.point == InfoOf(FailurePoint::kSync).name;
    return !has_aftermath || FailedSyncOf(rule.aftermath) == model.failed_sync;
  });
}

}  // namespace plugpull
