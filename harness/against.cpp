#include "harness/against.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "faults/inject/fault_call.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/crash_points.h"
#include "harness/fault_search.h"
#include "harness/image_judge.h"
#include "harness/point_search.h"
#include "harness/record.h"
#include "reports/verdict.h"

namespace plugpull {
namespace {

Expected<void> CheckComparable(const Case& saved) {
  const char* why = nullptr;
  if (saved.settings.target.empty() || !saved.settings.check.empty()) {
    why =
        "was recorded from a program of yours, whose workload is not in the case; run that "
        "program and its check on the other version";
  } else if (!saved.running_plan.empty()) {
    why = "needs no crash, but calls that fail; use run --errors on the other target";
  } else if (saved.while_recording) {
    why = "needs no crash, but readers; use run --readers on the other target";
  } else if (saved.in_use) {
    why = "shows while the store is used after the crash; use run --cycles on the other target";
  }
  if (why == nullptr) return {};
  return Fail(ErrorCode::kInvalidArgument, fmt::format("--against: the case {}", why));
}

Expected<Trace> RecordAgain(const Case& saved, const Target& target) {
  RecordSettings record;
  record.target = target.text;
  record.options.seed = saved.settings.seed;
  record.options.keys = saved.settings.keys;
  const std::vector<Transaction>& transactions = saved.trace.transactions;
  const size_t history = transactions.size() - UndoneCount(saved.trace);
  const auto count = std::min<size_t>(history, saved.window.attempted);
  record.given.emplace(transactions.begin(), transactions.begin() + static_cast<ptrdiff_t>(count));
  record.options.transactions = static_cast<uint32_t>(count);
  return Record(record);
}

// Returns: the positions between which the crash of the case comes on another trace: as many
// transactions are attempted, and as many acknowledged as far as the engine says so there.
std::pair<size_t, size_t> WindowOn(const Trace& trace, const Window& window) {
  uint32_t attempted = 0;
  uint32_t acknowledged = 0;
  std::optional<size_t> first;
  size_t last = 0;
  std::optional<size_t> first_attempted;
  for (size_t position = 0; position <= trace.ops.size(); ++position) {
    if (position > 0) {
      const Op& op = trace.ops[position - 1];
      if (op.kind == OpKind::kBegin) attempted = op.transaction;
      if (op.kind == OpKind::kAcknowledge) acknowledged = op.transaction;
    }
    if (attempted != window.attempted) continue;
    if (!first_attempted) first_attempted = position;
    if (acknowledged != window.acknowledged) continue;
    if (!first) first = position;
    last = position;
  }
  if (first) return {*first, last};
  return {first_attempted.value_or(trace.ops.size()), trace.ops.size()};
}

// Returns: what to search for on the other target.
ExploreSettings SettingsFor(const Case& saved, const Target& target) {
  ExploreSettings settings = saved.settings;
  settings.target = target.text;
  settings.readers = 0;
  settings.symptom.clear();
  settings.depth = target.is_program() ? 1 : static_cast<uint32_t>(saved.further.size()) + 1;
  if (!target.is_program()) settings.read_set = false;
  return settings;
}

// Returns: the names of the faults of an instance, without its place: that is one of its trace.
Expected<std::string> Specification(const std::string& instance) {
  Expected<FaultCalls> calls = ParseFaults(instance, FaultForm::kInstance);
  if (!calls) return std::unexpected(calls.error());
  for (FaultCall& call : *calls) call.values.clear();
  return FaultText(*calls, FaultForm::kSpecification);
}

struct Plan {
  std::vector<PointTask> tasks;
  std::set<std::string> bounds = {};
};

Expected<Plan> PlanFor(const Trace& trace, const Case& saved, const ExploreSettings& settings) {
  const auto [first, last] = WindowOn(trace, saved.window);
  Plan planned;
  std::vector<PointTask> tasks;
  if (!saved.fault.empty()) {
    const Expected<std::string> fault = Specification(saved.fault);
    if (!fault) return std::unexpected(fault.error());
    Expected<FaultPlan> plan = PlanFault(trace, settings, *fault);
    if (!plan) return std::unexpected(plan.error());
    tasks = std::move(plan->tasks);
    std::ranges::move(plan->ordered, std::back_inserter(tasks));
    planned.bounds = std::move(plan->bounds);
  } else if (settings.model->shape == Shape::kEverything) {
    // A process can be killed anywhere, not only at the end of an epoch.
    for (size_t at = first; at <= std::min(last, EndOfModelled(trace)); ++at) {
      tasks.push_back({at, settings});
    }
  } else {
    for (const size_t at : CrashPoints(trace, *settings.model, settings.promise)) {
      tasks.push_back({at, settings});
    }
  }
  planned.tasks.reserve(tasks.size());
  for (PointTask& task : tasks) {
    if (task.position >= first && task.position <= last) planned.tasks.push_back(std::move(task));
  }
  return planned;
}

void Take(const PointResult& result, ViolationClass wanted, Against& against) {
  against.recoveries += result.recoveries;
  against.unknown.insert(against.unknown.end(), result.unknown.begin(), result.unknown.end());
  if (!result.exhausted) {
    against.exhaustive = false;
    if (!result.bound.empty()) against.bounds.push_back(result.bound);
  }
  for (const PointViolation& found : result.violations) {
    const Violation& violation = found.violation;
    if (violation.violation == wanted && !against.same) against.same = violation;
    const bool is_worse = !against.other || BrokenPromise(violation.violation) <
                                                BrokenPromise(against.other->violation);
    if (violation.violation != wanted && is_worse) against.other = violation;
  }
}

void SortOut(std::vector<std::string>& words) {
  const std::set<std::string> sorted(words.begin(), words.end());
  words.assign(sorted.begin(), sorted.end());
}

}  // namespace

Expected<Against> ReplayAgainst(const Case& saved, const std::string& target_text, uint32_t jobs,
                                const std::function<bool()>& goes_on) {
  const Expected<Target> target = ParseTarget(target_text);
  if (!target) return std::unexpected(target.error());
  if (const auto comparable = CheckComparable(saved); !comparable) {
    return std::unexpected(comparable.error());
  }
  const Expected<Trace> trace = RecordAgain(saved, *target);
  if (!trace) return std::unexpected(trace.error());
  const ExploreSettings settings = SettingsFor(saved, *target);
  const Expected<Plan> plan = PlanFor(*trace, saved, settings);
  if (!plan) return std::unexpected(plan.error());
  const std::vector<PointTask>& tasks = plan->tasks;
  const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(*trace, settings, jobs);
  if (!search) return std::unexpected(search.error());
  std::vector<std::optional<PointResult>> results(tasks.size());
  const Expected<void> explored = (*search)->Explore(
      tasks, [&](size_t task, PointResult result) { results[task] = std::move(result); },
      [&](uint64_t) { return goes_on(); });
  if (!explored) return std::unexpected(explored.error());
  Against against{.crash_points = tasks.size(),
                  .exhaustive = plan->bounds.empty(),
                  .bounds = {plan->bounds.begin(), plan->bounds.end()}};
  for (const std::optional<PointResult>& result : results) {
    if (result) {
      Take(*result, saved.violation.violation, against);
    } else {
      against.exhaustive = false;
      against.bounds.emplace_back("signal");
    }
  }
  SortOut(against.bounds);
  SortOut(against.unknown);
  return against;
}

std::string Describe(const Against& against) {
  const auto tell = [](const Violation& violation) {
    return fmt::format("{}: {}", Name(violation.violation), violation.message);
  };
  if (against.same) return tell(*against.same);
  if (against.other) return tell(*against.other);
  if (against.crash_points == 0) return "unknown: the fault has no place there";
  if (!against.unknown.empty()) return fmt::format("unknown: {}", against.unknown.front());
  if (against.exhaustive) return "held, exhaustive";
  return against.bounds.empty()
             ? "held, bounded"
             : fmt::format("held, bounded ({})", fmt::join(against.bounds, ", "));
}

}  // namespace plugpull
