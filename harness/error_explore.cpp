#include "harness/error_explore.h"

#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "faults/base/assert.h"
#include "faults/persistence/model_text.h"
#include "harness/crash_points.h"
#include "harness/messages.h"
#include "harness/point_explorer.h"

namespace plugpull {
namespace {

using nlohmann::json;

// Hashes numbers and texts one after the other.
class RunHash {
 public:
  RunHash() : state_(XXH3_createState()) { XXH3_64bits_reset(state_); }
  RunHash(const RunHash&) = delete;
  RunHash& operator=(const RunHash&) = delete;
  ~RunHash() { XXH3_freeState(state_); }

  void Add(uint64_t number) { XXH3_64bits_update(state_, &number, sizeof(number)); }
  void Add(std::string_view text) {
    Add(text.size());
    XXH3_64bits_update(state_, text.data(), text.size());
  }
  uint64_t Get() const { return XXH3_64bits_digest(state_); }

 private:
  XXH3_state_t* state_;
};

// Returns: a hash of all that a crash can depend on. Which errno a call returned is not part of it.
uint64_t HashOf(const Trace& trace) {
  RunHash hash;
  for (const Op& op : trace.ops) {
    for (const uint64_t number :
         {uint64_t{static_cast<uint8_t>(op.kind)}, uint64_t{op.result_errno != 0},
          uint64_t{op.inode}, uint64_t{op.directory}, uint64_t{op.other_directory}, op.offset_bytes,
          op.size_bytes, op.payload_offset, uint64_t{op.transaction}, uint64_t{op.other_inode},
          uint64_t{op.flags}}) {
      hash.Add(number);
    }
    hash.Add(op.name);
    hash.Add(op.other_name);
  }
  hash.Add({reinterpret_cast<const char*>(trace.payload.data()), trace.payload.size()});
  for (const Transaction& transaction : trace.transactions) {
    hash.Add(transaction.changes.size());
    for (const Change& change : transaction.changes) {
      hash.Add(change.key);
      hash.Add(change.value ? 1 : 0);
      if (change.value) hash.Add(*change.value);
    }
  }
  return hash.Get();
}

// Returns: whether the operation is a sync that returned success and has dropped all the same. No
// engine can hold anything after it: it is a lying flush, which is beyond the disk's contract.
bool IsLie(const Op& op) { return IsFailedSync(op) && op.result_errno == 0; }

// Returns: some of the points, the first half of them from the front: soon after a failure is when
// what it left is most likely to matter.
std::vector<size_t> SomeOf(const std::vector<size_t>& points) {
  if (points.size() <= kPointsPerPlan) return points;
  constexpr size_t kFromFront = kPointsPerPlan / 2;
  std::vector<size_t> some(points.begin(), points.begin() + kFromFront);
  const size_t rest = points.size() - kFromFront;
  for (size_t i = 1; i <= kPointsPerPlan - kFromFront; ++i) {
    some.push_back(points[kFromFront + rest * i / (kPointsPerPlan - kFromFront) - 1]);
  }
  return some;
}

}  // namespace

struct PlanExplorer::Known {
  std::optional<uint64_t> plain_hash;
  std::map<uint64_t, PlanResult> explored;  // by run hash
  std::vector<Choice> path = std::vector<Choice>(kLongestPath);
};

ExploreSettings SettingsFor(const Trace& trace, ExploreSettings settings) {
  settings.depth = 1;  // crashes in recovery are looked at where no call fails
  const std::optional<FailedSync> failed_sync = FailedSyncOf(trace);
  const bool has_parameter =
      settings.model->shape == Shape::kClosedSet || settings.model->shape == Shape::kCommitAndLog;
  if (!failed_sync || !has_parameter) return settings;
  Model model = *settings.model;
  model.failed_sync = *failed_sync;
  const Expected<const Model*> parsed = ParseModelText(ModelText(model));
  Assert(parsed.has_value(), "what a failed sync does fits every model of sets");
  settings.model = *parsed;
  return settings;
}

PlanExplorer::PlanExplorer(RecordSettings record, ExploreSettings settings)
    : record_(std::move(record)),
      settings_(std::move(settings)),
      known_(std::make_unique<Known>()) {}

PlanExplorer::~PlanExplorer() = default;

Expected<PlanResult> PlanExplorer::Explore(const FailurePlan& plan, bool run_only, ErrorRun& run) {
  if (!known_->plain_hash) {
    // Also for the sake of what an engine does once in a process: it must not be counted.
    const Expected<ErrorRun> plain = RunWithFailures(record_, {});
    if (!plain) return std::unexpected(plain.error());
    known_->plain_hash = HashOf(plain->trace);
  }
  Expected<ErrorRun> ran = RunWithFailures(record_, plan);
  if (!ran) return std::unexpected(ran.error());
  run = std::move(*ran);
  PlanResult result{.outcome = run.outcome,
                    .violation = run.violation,
                    .after_crash = {},
                    .fired = run.fired,
                    .calls = run.calls,
                    .run_hash = HashOf(run.trace),
                    .unknown = {}};
  result.is_plain = known_->plain_hash == result.run_hash;
  const bool is_lie = std::ranges::any_of(run.trace.ops, IsLie);
  if (run_only || plan.rules.empty() || !FirstFailure(run.trace) || result.is_plain || is_lie) {
    return result;
  }
  // The same run may be explored from another point on, and under another model.
  const ExploreSettings settings = SettingsFor(run.trace, settings_);
  result.run_hash ^= *FirstFailure(run.trace) * 0x9e3779b97f4a7c15ULL;
  result.run_hash ^= static_cast<uint64_t>(settings.model->failed_sync);
  const auto [known, is_new] = known_->explored.try_emplace(result.run_hash);
  if (is_new) LookAfterCrashes(run.trace, known->second);
  const PlanResult& seen = known->second;
  result.after_crash = seen.after_crash;
  result.crash_points = seen.crash_points;
  result.recoveries = seen.recoveries;
  result.states = seen.states;
  result.states_exact = seen.states_exact;
  result.exhausted = seen.exhausted;
  result.unknown = seen.unknown;
  return result;
}

void PlanExplorer::LookAfterCrashes(const Trace& trace, PlanResult& result) {
  ExploreSettings settings = SettingsFor(trace, settings_);
  const uint64_t most = settings.recoveries_per_point;
  settings.recoveries_per_point =
      most == 0 ? kRecoveriesPerPlanPoint : std::min(most, kRecoveriesPerPlanPoint);
  const Expected<Target> target = ParseTarget(settings.target);
  Assert(target.has_value(), "the run has parsed the target");
  const ReferenceModel model(trace.transactions);
  uint32_t path_length = 0;
  std::atomic<Phase> phase{};
  std::atomic<uint32_t> probe{};
  const SearchState state{
      .path = known_->path, .path_length = &path_length, .phase = &phase, .probe = &probe};
  PointExplorer explorer(trace, *target, model, settings, state);
  std::vector<size_t> points = CrashPoints(trace, *settings.model, settings.promise);
  std::erase_if(points, [&](size_t point) { return point < *FirstFailure(trace); });
  const std::vector<size_t> some = SomeOf(points);
  result.exhausted = some.size() == points.size();
  std::map<ViolationClass, size_t> classes;  // with the first point that shows it
  StateCount states = 0;
  for (const size_t point : some) {
    const PointResult explored = explorer.Explore(point, {});
    ++result.crash_points;
    result.recoveries += explored.recoveries;
    result.exhausted = result.exhausted && explored.exhausted;
    result.states_exact = result.states_exact && explored.exact;
    states += StateCount(explored.covered);
    for (const PointViolation& violation : explored.violations) {
      classes.try_emplace(violation.violation.violation, point);
    }
    result.unknown.insert(result.unknown.end(), explored.unknown.begin(), explored.unknown.end());
  }
  for (const auto& [each, point] : classes) result.after_crash.push_back({each, point});
  result.states = states.str();
}

json ToJson(const PlanResult& result) {
  json classes = json::array();
  for (const CrashViolation& each : result.after_crash) {
    classes.push_back({Name(each.violation), each.position});
  }
  json calls = json::array();
  for (const CallSeen& call : result.calls) {
    calls.push_back({static_cast<unsigned>(call.point), call.path, call.size_bytes});
  }
  json message = {{"outcome", static_cast<unsigned>(result.outcome)},
                  {"after_crash", classes},
                  {"fired", result.fired},
                  {"calls", calls},
                  {"run_hash", result.run_hash},
                  {"is_plain", result.is_plain},
                  {"crash_points", result.crash_points},
                  {"recoveries", result.recoveries},
                  {"states", result.states},
                  {"states_exact", result.states_exact},
                  {"exhausted", result.exhausted},
                  {"unknown", result.unknown}};
  if (result.violation) message["violation"] = ToJson(*result.violation);
  return message;
}

Expected<PlanResult> PlanResultFromJson(const json& message) {
  try {
    PlanResult result;
    result.outcome = static_cast<ErrorOutcome>(message.at("outcome").get<unsigned>());
    for (const json& entry : message.at("after_crash")) {
      const auto each = ParseViolationClass(entry.at(0).get<std::string>());
      if (!each) return Fail(ErrorCode::kCorrupt, "a child speaks of a class that is unknown");
      result.after_crash.push_back({*each, entry.at(1).get<size_t>()});
    }
    result.fired = message.at("fired").get<std::vector<uint64_t>>();
    for (const json& call : message.at("calls")) {
      result.calls.push_back({static_cast<FailurePoint>(call.at(0).get<unsigned>()),
                              call.at(1).get<std::string>(), call.at(2).get<uint64_t>()});
    }
    result.run_hash = message.at("run_hash").get<uint64_t>();
    result.is_plain = message.at("is_plain").get<bool>();
    result.crash_points = message.at("crash_points").get<uint64_t>();
    result.recoveries = message.at("recoveries").get<uint64_t>();
    result.states = message.at("states").get<std::string>();
    result.states_exact = message.at("states_exact").get<bool>();
    result.exhausted = message.at("exhausted").get<bool>();
    result.unknown = message.at("unknown").get<std::vector<std::string>>();
    if (message.contains("violation")) {
      Expected<Violation> violation = ViolationFromJson(message.at("violation"));
      if (!violation) return std::unexpected(violation.error());
      result.violation = std::move(*violation);
    }
    return result;
  } catch (const json::exception& error) {
    return Fail(ErrorCode::kCorrupt, std::string("a child's answer is damaged: ") + error.what());
  }
}

}  // namespace plugpull
