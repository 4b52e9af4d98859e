#include "harness/wanted_finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "faults/base/assert.h"
#include "faults/inject/damage.h"
#include "faults/inject/fault_type.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/crash_points.h"
#include "harness/fault_search.h"
#include "harness/minimise_state.h"
#include "harness/point_search.h"

namespace plugpull {
namespace {

constexpr FaultForm kInstance = FaultForm::kInstance;

// A state has few pieces left by the time that it is compared with what is wanted.
constexpr uint64_t kMostTestsPerState = 60;

// What a point shows first may be other kinds of the class that is wanted.
constexpr uint32_t kPerClass = 6;

// A small trace has few states; where there are more, the finding is met early or passed over.
constexpr uint64_t kMostRecoveriesPerPoint = 400;

// Returns: the points to search, the first ones first.
Expected<std::vector<PointTask>> TasksOf(const Trace& trace, const WantedFinding& wanted,
                                         WhereToLook where) {
  ExploreSettings settings = wanted.settings;
  settings.per_class = kPerClass;
  settings.recoveries_per_point = kMostRecoveriesPerPoint;
  std::vector<PointTask> tasks;
  if (wanted.faults.empty()) {
    std::vector<size_t> positions = CrashPoints(trace, *settings.model, settings.promise);
    if (settings.model->shape == Shape::kEverything) {
      // A process can be killed anywhere, not only at the end of an epoch.
      positions.resize(EndOfModelled(trace) + 1 - SnapshotEnd(trace));
      std::iota(positions.begin(), positions.end(), SnapshotEnd(trace));
    }
    for (const size_t position : positions) tasks.push_back({position, settings});
  } else {
    Expected<FaultPlan> plan = PlanFault(trace, settings, wanted.faults);
    if (!plan) return std::unexpected(plan.error());
    tasks = std::move(plan->tasks);
    for (PointTask& task : tasks) task.settings.per_class = kPerClass;
    std::ranges::stable_sort(tasks, {}, &PointTask::position);
  }
  std::erase_if(tasks, [&](const PointTask& task) { return task.position < where.first_position; });
  return tasks;
}

bool Fits(const FindingDraft& draft, const WantedFinding& wanted) {
  return draft.signature == wanted.signature && draft.complete.lost.size() <= wanted.most_lost;
}

// Returns: the finding where its pattern is in the trace, or nothing.
Expected<std::optional<FindingDraft>> FindByPattern(const Trace& trace, const WantedFinding& wanted,
                                                    PointSearch& search,
                                                    FindingCollector& collector,
                                                    const std::function<bool()>& goes_on) {
  const std::optional<PatternPlace> place = OperationPatterns(trace).Find(*wanted.pattern);
  if (!place) return std::nullopt;
  const Window window = WindowAt(trace, place->position);
  const Violation violation{.violation = wanted.violation, .message = {}};
  FindingDraft draft;
  draft.violation = violation;
  draft.settings = wanted.settings;
  draft.state = {.position = place->position,
                 .tear = EffectiveTear(*wanted.settings.model, wanted.settings.tear),
                 .chosen = {}};
  draft.complete.lost = place->lost;
  draft.window = window;
  draft.count = 1;
  TestLimit limit(kMostTestsPerState, goes_on);
  const auto is_it = [&](FindingDraft& candidate) -> Expected<bool> {
    const Expected<bool> done = collector.MinimiseState(search, candidate, limit);
    if (!done) return done;
    return *done && Fits(candidate, wanted) && candidate.level <= wanted.level;
  };
  FindingDraft exact = draft;
  Expected<bool> found = is_it(exact);
  if (!found) return std::unexpected(found.error());
  if (*found) return exact;
  // Pieces of writes are other ones where values are shorter.
  const ViolatedState state{.position = place->position,
                            .window = window,
                            .lost = {},
                            .settings = wanted.settings,
                            .violation = violation};
  const Expected<std::optional<ViolatedState>> seen =
      LoseOperations(trace, search, state, place->LostOperations(), limit);
  if (!seen) return std::unexpected(seen.error());
  if (!*seen) return std::nullopt;
  draft.violation = (*seen)->violation;
  draft.state.chosen = (*seen)->chosen;
  draft.complete.lost = (*seen)->lost;
  found = is_it(draft);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  return draft;
}

}  // namespace

Expected<std::optional<FindingDraft>> FindWanted(const Trace& trace, const EngineType& type,
                                                 const WantedFinding& wanted, WhereToLook where,
                                                 const std::function<bool()>& goes_on) {
  const Expected<std::vector<PointTask>> tasks = TasksOf(trace, wanted, where);
  if (!tasks) return std::unexpected(tasks.error());
  const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(trace, wanted.settings, 1);
  if (!search) return std::unexpected(search.error());
  FindingCollector collector(trace, type);
  collector.LeaveOutModels();
  if (wanted.pattern) {
    Expected<std::optional<FindingDraft>> found =
        FindByPattern(trace, wanted, **search, collector, goes_on);
    if (!found || *found) return found;
  }
  std::set<std::string> others;  // signatures of what was found that is not wanted
  for (const PointTask& task : *tasks) {
    PointResult result;
    const Expected<void> explored = (*search)->Explore(
        std::array{task}, [&](size_t /*task*/, PointResult done) { result = std::move(done); },
        [&](uint64_t /*recoveries*/) { return goes_on == nullptr || goes_on(); });
    if (!explored) return std::unexpected(explored.error());
    if (goes_on != nullptr && !goes_on()) return std::nullopt;
    if (result.violations.empty()) continue;
    collector.Add(result, task.settings);
    for (const auto& [signature, found] : collector.drafts()) {
      const bool may_be = found.violation.violation == wanted.violation &&
                          found.level <= wanted.level &&
                          found.fault.empty() == wanted.faults.empty();
      if (!may_be || others.contains(signature)) continue;
      FindingDraft draft = found;
      if (wanted.is_minimal_state) {
        TestLimit limit(kMostTestsPerState, goes_on);
        const Expected<bool> done = collector.MinimiseState(**search, draft, limit);
        if (!done) return std::unexpected(done.error());
      }
      if (Fits(draft, wanted)) return draft;
      others.insert(signature);
    }
  }
  return std::nullopt;
}

std::string Generalised(const Trace& trace, const std::string& instance,
                        const ExploreSettings& settings) {
  Expected<FaultCalls> calls = ParseFaults(instance, kInstance);
  Assert(calls.has_value(), "what a case says is an instance");
  FaultCalls specification;
  const bool is_torn = settings.tear != Tear::kNone && !IsSubSector(settings.tear);
  bool has_pages = false;
  for (const FaultCall& call : *calls) {
    FaultCall general{.level = call.level, .values = {}};
    switch (TypeOf(call).scope) {
      case FaultScope::kCrash:
        break;
      case FaultScope::kSyncs: {
        const uint64_t from = NumberOf(call, kInstance, "from");
        const size_t syncs = DamageReader(trace).syncs().size();
        if (from > 1 && syncs >= from) general.values["last"] = std::to_string(syncs - from + 1);
        break;
      }
      case FaultScope::kTear:
        general.values = call.values;
        break;
      case FaultScope::kPages: {
        has_pages = true;
        general.values["path"] = TextOf(call, kInstance, "file");
        if (call.level == FaultLevel::kStalePage) {
          general.values["age"] = fmt::format("1..{}", NumberOf(call, kInstance, "age"));
        }
        const bool is_across = call.values.contains("to-file");
        if (is_across) general.values = {{"across", "yes"}};
        break;
      }
    }
    specification.push_back(std::move(general));
  }
  if (has_pages && settings.model->shape != Shape::kEverything) {
    const FaultLevel crash = settings.model->shape == Shape::kPrefix ? FaultLevel::kPowerCutOrdered
                             : is_torn                               ? FaultLevel::kTornWrite
                                                                     : FaultLevel::kPowerCut;
    specification.push_back({.level = crash, .values = {}});
  }
  return FaultText(specification, FaultForm::kSpecification);
}

}  // namespace plugpull
