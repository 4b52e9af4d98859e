#include "harness/minimise.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "engine/target.h"
#include "faults/base/assert.h"
#include "faults/inject/fault_call.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/findings.h"
#include "harness/minimise_state.h"
#include "harness/minimise_workload.h"
#include "harness/point_search.h"
#include "harness/program_notes.h"
#include "harness/record.h"
#include "harness/user_program.h"
#include "harness/wanted_finding.h"

namespace plugpull {
namespace {

// In a longer run only its end is searched: what it began with was searched in a shorter one.
constexpr size_t kTransactionsSearchedWhole = 6;

// Returns: why the workload cannot be recorded anew; empty: it can.
std::string WhyNotAnew(const Case& original) {
  if (original.settings.target.empty() || original.trace.facts.contains(kProgramFact)) {
    return "they are those of a program of yours, which only you can give less to do";
  }
  if (SnapshotEnd(original.trace) > 0 || original.in_use) {
    return "they go on from a store that an earlier crash has left";
  }
  if (std::ranges::any_of(original.trace.ops, [](const Op& op) { return op.result_errno != 0; }) &&
      original.trace.facts.contains("error_kind")) {
    return "the calls that failed in them are known by their number";
  }
  if (const Expected<RecordSettings> recorded = RecordSettingsOf(original.trace); !recorded) {
    return recorded.error().context;
  }
  return "";
}

FaultLevel LevelOf(const Case& original, const EngineType& type, const ChosenState& state) {
  FaultLevel level = FaultLevel::kProcessKill;
  if (original.fault.empty()) {
    return StateInspector(original.trace, type).WeakestLevel(state, *original.settings.model);
  }
  const Expected<FaultCalls> calls = ParseFaults(original.fault, FaultForm::kInstance);
  Assert(calls.has_value(), "what a case says is an instance");
  for (const FaultCall& call : *calls) level = std::max(level, call.level);
  return level;
}

class CaseMinimiser {
 public:
  CaseMinimiser(const Case& original, const EngineType& type, const MinimiseOptions& options)
      : original_(original), type_(type), options_(options) {}

  // Returns: false when the case does not show its violation.
  Expected<bool> MinimiseItsState() {
    const Trace last = LastTrace(original_);
    const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(last, original_.settings, 1);
    if (!search) return std::unexpected(search.error());
    const Expected<std::optional<Violation>> seen =
        (*search)->Replay({.position = last.ops.size(),
                           .window = original_.window,
                           .lost = LastLost(original_),
                           .settings = original_.settings,
                           .fault = original_.fault,
                           .in_use = original_.in_use});
    if (!seen) return std::unexpected(seen.error());
    if (!*seen || (*seen)->violation != original_.violation.violation) return false;
    draft_.signature = original_.signature;
    draft_.violation = original_.violation;
    draft_.settings = original_.settings;
    draft_.state.position = original_.trace.ops.size();
    draft_.state.tear = original_.settings.tear;
    draft_.complete.lost = original_.lost;
    draft_.further = original_.further;
    draft_.window = original_.window;
    draft_.level = original_.level;
    draft_.fault = original_.fault;
    draft_.count = 1;
    trace_ = original_.trace;
    TestLimit limit(options_.most_recoveries, options_.goes_on);
    if (!original_.in_use) {
      FindingCollector collector(original_.trace, type_);
      const Expected<bool> done = collector.MinimiseState(**search, draft_, limit);
      if (!done) return std::unexpected(done.error());
      is_minimal_state_ = *done && draft_.minimised->is_minimal;
      knows_state_ = *done;
    }
    if (knows_state_) draft_.level = LevelOf(original_, type_, draft_.state);
    state_bound_ = limit.bound();
    return true;
  }

  Expected<void> MinimiseItsWorkload(Minimisation& result) {
    result.transactions_kept_because = WhyNotAnew(original_);
    if (!result.transactions_kept_because.empty()) return {};
    Expected<RecordSettings> recorded = RecordSettingsOf(original_.trace);
    if (!recorded) return std::unexpected(recorded.error());
    std::vector<Transaction> transactions = original_.trace.transactions;
    transactions.resize(original_.window.attempted);
    size_ = SizeOf(transactions);
    const WantedFinding wanted = Wanted();
    TestLimit limit(options_.most_workloads, options_.goes_on);
    // What is recorded as given goes another way than the original: it must show the same.
    const Expected<size_t> needed = Test(*recorded, wanted, transactions, /*is_whole=*/true);
    if (!needed) return std::unexpected(needed.error());
    if (*needed == 0) {
      result.transactions_kept_because = "recorded again, the same transactions do not show it";
      return {};
    }
    transactions.resize(*needed);
    const Expected<ReducedWorkload> reduced = ReduceWorkload(
        std::move(transactions), limit, [&](const std::vector<Transaction>& candidate) {
          return Test(*recorded, wanted, candidate, candidate.size() <= kTransactionsSearchedWhole);
        });
    if (!reduced) return std::unexpected(reduced.error());
    is_minimal_workload_ = reduced->is_minimal;
    workload_bound_ = reduced->is_minimal ? "" : limit.bound().empty() ? "rounds" : limit.bound();
    return {};
  }

  // An earlier crash with the same loss.
  Expected<void> CrashEarlier() {
    if (!knows_state_ || !draft_.further.empty()) return {};
    const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(trace_, draft_.settings, 1);
    if (!search) return std::unexpected(search.error());
    TestLimit limit(options_.most_recoveries, options_.goes_on);
    const Expected<std::optional<ViolatedState>> earlier =
        MoveEarlier(trace_, **search,
                    {.position = draft_.state.position,
                     .window = draft_.window,
                     .lost = draft_.complete.lost,
                     .settings = draft_.settings,
                     .fault = draft_.fault,
                     .violation = draft_.violation},
                    limit);
    if (!earlier) return std::unexpected(earlier.error());
    if (!*earlier) return {};
    FindingDraft moved = draft_;
    moved.state.position = (*earlier)->position;
    moved.state.chosen = (*earlier)->chosen;
    moved.window = (*earlier)->window;
    moved.violation = (*earlier)->violation;
    // What is lost is the same; that nothing of it can be kept was seen elsewhere.
    FindingCollector collector(trace_, type_);
    const Expected<bool> done = collector.MinimiseState(**search, moved, limit);
    if (!done) return std::unexpected(done.error());
    const bool is_same = *done && moved.signature == draft_.signature &&
                         moved.level <= draft_.level && !IsSmaller(draft_, moved);
    if (is_same) draft_ = std::move(moved);
    return {};
  }

  Expected<void> Finish(Minimisation& result) {
    Case small = original_;
    small.id = FindingId(draft_);
    small.signature = draft_.signature;
    small.settings = draft_.settings;
    // The bounds of a search are those that it was asked for.
    small.settings.per_class = original_.settings.per_class;
    small.settings.patience = original_.settings.patience;
    small.settings.recoveries_per_point = original_.settings.recoveries_per_point;
    small.settings.depth = original_.settings.depth;
    small.trace = CutTrace(trace_, draft_.state.position, draft_.window.attempted);
    small.window = draft_.window;
    small.lost = draft_.complete.lost;
    small.fault = draft_.fault;
    small.further = draft_.further;
    small.violation = draft_.violation;
    const Expected<bool> is_seen = Confirm(small);
    if (!is_seen) return std::unexpected(is_seen.error());
    if (!*is_seen) {
      small = original_;
      is_minimal_state_ = false;
      state_bound_ = "nondeterminism";
    } else {
      small.level = draft_.level;
    }
    if (*is_seen && knows_state_) {
      small.models = StateInspector(trace_, type_).AdmittingModels(draft_.state);
    }
    std::string bound = !state_bound_.empty() ? state_bound_ : workload_bound_;
    if (bound.empty() && !is_minimal_state_) {
      bound = small.further.empty() ? "the tests that one state may take"
                                    : "a second crash, whose loss is left as it is";
    }
    small.minimised = MinimisedFrom{
        .before = original_.minimised ? original_.minimised->before : SizeOf(original_),
        .is_minimal = is_minimal_state_ && is_minimal_workload_,
        .bound = std::move(bound)};
    result.after = SizeOf(small);
    result.kept = draft_.complete.kept;
    result.small = std::move(small);
    return {};
  }

  uint64_t workloads_tried() const { return workloads_tried_; }

 private:
  WantedFinding Wanted() const {
    WantedFinding wanted{.signature = draft_.signature,
                         .violation = draft_.violation.violation,
                         .level = draft_.level,
                         .settings = draft_.settings,
                         .is_minimal_state = knows_state_,
                         .most_lost = draft_.complete.lost.size()};
    wanted.settings.depth = 1 + static_cast<uint32_t>(draft_.further.size());
    if (!draft_.fault.empty()) {
      wanted.faults = Generalised(original_.trace, draft_.fault, draft_.settings);
    }
    return wanted;
  }

  // Records the candidate and looks for the finding. Returns: as WorkloadTest.
  Expected<size_t> Test(const RecordSettings& recorded, const WantedFinding& wanted,
                        const std::vector<Transaction>& candidate, bool is_whole) {
    ++workloads_tried_;
    RecordSettings settings = recorded;
    settings.given = candidate;
    settings.options.transactions = static_cast<uint32_t>(candidate.size());
    const Expected<Trace> trace = Record(settings);
    // An engine that fails without a fault shows something else.
    if (!trace && trace.error().code == ErrorCode::kTargetFailed) return size_t{0};
    if (!trace) return std::unexpected(trace.error());
    WantedFinding where = wanted;
    if (knows_state_ && draft_.fault.empty()) {
      where.pattern = OperationPatterns(trace_).Of(draft_.state.position, draft_.window.attempted,
                                                   draft_.complete.lost);
    }
    const Expected<std::optional<FindingDraft>> found =
        FindWanted(*trace, type_, where, {.first_position = is_whole ? 0 : LastPart(*trace)},
                   options_.goes_on);
    if (!found) return std::unexpected(found.error());
    if (!*found) return size_t{0};
    const size_t needed = (*found)->window.attempted;
    const WorkloadSize size = SizeOf(std::span(candidate).first(needed));
    if (size <= size_) {
      size_ = size;
      draft_ = **found;
      trace_ = *trace;
      is_minimal_state_ = knows_state_ && draft_.minimised && draft_.minimised->is_minimal;
    }
    return needed;
  }

  // Returns: where the last transactions but two begin.
  static size_t LastPart(const Trace& trace) {
    const size_t count = trace.transactions.size();
    for (size_t i = 0; i < trace.ops.size(); ++i) {
      const Op& op = trace.ops[i];
      if (op.kind == OpKind::kBegin && op.transaction + 1 >= count) return i;
    }
    return 0;
  }

  static Expected<bool> Confirm(const Case& small) {
    const Trace last = LastTrace(small);
    const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(last, small.settings, 1);
    if (!search) return std::unexpected(search.error());
    const Expected<std::optional<Violation>> seen = (*search)->Replay({.position = last.ops.size(),
                                                                       .window = small.window,
                                                                       .lost = LastLost(small),
                                                                       .settings = small.settings,
                                                                       .fault = small.fault,
                                                                       .in_use = small.in_use});
    if (!seen) return std::unexpected(seen.error());
    return *seen == small.violation;
  }

  const Case& original_;
  const EngineType& type_;
  const MinimiseOptions& options_;
  FindingDraft draft_;  // the smallest so far, of trace_
  Trace trace_;
  WorkloadSize size_;  // of the transactions of trace_ that it takes
  uint64_t workloads_tried_ = 0;
  bool knows_state_ = false;  // the signature is that of a state that loses as little as it can
  bool is_minimal_state_ = false;
  bool is_minimal_workload_ = false;
  std::string state_bound_;
  std::string workload_bound_;
};

}  // namespace

CaseSize SizeOf(std::span<const Transaction> attempted, const std::vector<AtomId>& lost,
                const std::vector<FurtherCrash>& further) {
  CaseSize size{.transactions = static_cast<uint32_t>(attempted.size())};
  for (const Transaction& transaction : attempted) {
    for (const Change& change : transaction.changes) {
      ++size.changes;
      size.pair_bytes += change.key.size() + change.value.value_or("").size();
    }
  }
  const auto add = [&size](const std::vector<AtomId>& atoms) {
    std::set<uint32_t> operations;
    for (const AtomId& atom : atoms) operations.insert(atom.op);
    size.lost_atoms += CountRuns(atoms);
    size.lost_operations += operations.size();
  };
  add(lost);
  for (const FurtherCrash& crash : further) add(crash.lost);
  return size;
}

CaseSize SizeOf(const Case& saved) {
  return SizeOf(std::span(saved.trace.transactions).first(saved.window.attempted), saved.lost,
                saved.further);
}

Expected<std::optional<Minimisation>> MinimiseCase(const Case& original,
                                                   const MinimiseOptions& options) {
  const Expected<const EngineType*> type = TypeOfTarget(original.settings);
  if (!type) return std::unexpected(type.error());
  Minimisation result{.small = original, .after = SizeOf(original)};
  const bool needs_no_crash = !original.running_plan.empty() || original.while_recording;
  if (needs_no_crash) {
    result.transactions_kept_because =
        original.while_recording ? "readers saw it while they ran, without a crash"
                                 : "the calls that fail in them are known by their number";
    result.small.minimised = MinimisedFrom{.before = SizeOf(original)};
    return result;
  }
  CaseMinimiser minimiser(original, **type, options);
  const Expected<bool> is_there = minimiser.MinimiseItsState();
  if (!is_there) return std::unexpected(is_there.error());
  if (!*is_there) return std::nullopt;
  if (const Expected<void> done = minimiser.MinimiseItsWorkload(result); !done) {
    return std::unexpected(done.error());
  }
  if (const Expected<void> done = minimiser.CrashEarlier(); !done) {
    return std::unexpected(done.error());
  }
  if (const Expected<void> done = minimiser.Finish(result); !done) {
    return std::unexpected(done.error());
  }
  result.workloads_tried = minimiser.workloads_tried();
  return result;
}

}  // namespace plugpull
