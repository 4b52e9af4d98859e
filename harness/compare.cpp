#include "harness/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "faults/persistence/model_text.h"
#include "harness/crash_points.h"
#include "harness/old_cases.h"
#include "harness/version.h"

namespace plugpull {
namespace {

// A broken protocol shows each kind of damage early and often; the weakest promise that it breaks
// is confirmed by a search for that promise alone.
constexpr uint32_t kPerClass = 2;
constexpr uint32_t kPatience = 16;

// The baseline has to be exhaustive for protocols that hold, because then it speaks for all models.
// Those that break even `prefix` are not worth the time.
constexpr uint64_t kBaselineRecoveriesPerPoint = 20'000;
constexpr uint64_t kRecoveriesPerPoint = 2'000;

// A later change of the same key wins, so that what came before it changed nothing.
uint64_t ChangedBytes(const Transaction& transaction) {
  std::map<std::string_view, uint64_t> bytes;
  for (const Change& change : transaction.changes) {
    bytes[change.key] = change.key.size() + (change.value ? change.value->size() : 0);
  }
  uint64_t sum = 0;
  for (const auto& [key, size_bytes] : bytes) sum += size_bytes;
  return sum;
}

// Returns: the text as the name of a directory.
std::string DirectoryName(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                          std::string_view("-_=,+").find(c) != std::string_view::npos;
    if (!is_plain) c = '_';
  }
  return name;
}

std::optional<Promise> Below(Promise promise) {
  if (promise == Promise::kOpens) return std::nullopt;
  return static_cast<Promise>(static_cast<uint8_t>(promise) - 1);
}

const Finding& Worst(const std::vector<Finding>& findings) {
  return *std::ranges::min_element(findings, {}, [](const Finding& finding) {
    return std::pair(BrokenPromise(finding.violation), finding.fault_level);
  });
}

// Compares one strategy after another.
class Comparing {
 public:
  Comparing(const CompareOptions& options, const OnCompareProgress& on_progress)
      : options_(options), on_progress_(on_progress), started_(Clock::now()) {}

  Expected<Comparison> Run() {
    comparison_.version = kVersion;
    comparison_.commit = kCommit;
    comparison_.workload = options_.record.workload;
    comparison_.seed = options_.record.options.seed;
    comparison_.transactions = options_.record.options.transactions;
    comparison_.keys = options_.record.options.keys;
    comparison_.tear = Name(options_.explore.settings.tear);
    comparison_.promise = options_.explore.settings.promise;
    for (const Model* model : options_.models) comparison_.models.push_back(ModelText(*model));
    for (const Strategy* strategy : options_.strategies) {
      Expected<ComparisonRow> row = RunStrategy(*strategy);
      if (!row) return std::unexpected(row.error());
      comparison_.rows.push_back(*std::move(row));
    }
    comparison_.elapsed_s = std::chrono::duration<double>(Clock::now() - started_).count();
    return std::move(comparison_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Where a search for one promise under one model ended.
  struct Search {
    Verdict verdict = Verdict::kUnknown;
    bool exhaustive = false;
    uint64_t recoveries = 0;
    std::vector<Finding> findings;
    std::string unknown;
  };

  bool stopped() const { return comparison_.interrupted || comparison_.out_of_budget; }

  Expected<ComparisonRow> RunStrategy(const Strategy& strategy) {
    ComparisonRow row{.name = std::string(strategy.name),
                      .group = strategy.group,
                      .description = std::string(strategy.description),
                      .target = std::string(strategy.target),
                      .group_commit = strategy.group_commit,
                      .cost = {},
                      .cells = {}};
    RecordSettings settings = options_.record;
    settings.target = row.target;
    const Expected<Trace> trace = Record(settings);
    if (!trace) return std::unexpected(trace.error());
    row.cost = CostOf(*trace);
    const Model& weakest = Models().front();
    const Expected<ComparisonCell> baseline =
        RunCell(*trace, row, weakest, kBaselineRecoveriesPerPoint, nullptr);
    if (!baseline) return std::unexpected(baseline.error());
    for (const Model* model : options_.models) {
      // Only a named model is known to leave nothing that posix-minimal does not leave, and that
      // only while no sync fails.
      const bool is_named = FindModel(model->name) == model && !HasFailedSync(*trace);
      Expected<ComparisonCell> cell =
          model == &weakest ? *baseline
                            : RunCell(*trace, row, *model, kRecoveriesPerPoint,
                                      is_named && baseline->exhaustive ? &*baseline : nullptr);
      if (!cell) return std::unexpected(cell.error());
      row.cells.push_back(*std::move(cell));
    }
    return row;
  }

  // Finds the strongest promise kept: the one asked for, or durable, first, then what is left below
  // the weakest that was seen broken. What `floor` kept, if given, is kept here too.
  Expected<ComparisonCell> RunCell(const Trace& trace, const ComparisonRow& row, const Model& model,
                                   uint64_t recoveries_per_point, const ComparisonCell* floor) {
    const Promise asked = options_.explore.settings.promise;
    const std::string directory =
        fmt::format("cases/{}/{}", DirectoryName(row.name), DirectoryName(ModelText(model)));
    const Expected<void> removed = RemoveOldCases(options_.explore.out_directory + "/" + directory);
    if (!removed) return std::unexpected(removed.error());
    std::vector<Finding> findings;
    std::optional<Promise> kept = Promise::kDurable;
    uint64_t recoveries = 0;
    bool exhaustive = false;
    bool implied = false;
    std::string not_found_out;
    while (kept) {
      if (floor != nullptr && floor->kept && *kept <= *floor->kept) {
        implied = true;
        exhaustive = true;
        break;
      }
      const uint64_t bound = *kept >= Promise::kPrefix
                                 ? recoveries_per_point
                                 : std::min(recoveries_per_point, kRecoveriesPerPoint);
      const Expected<Search> search = Explore(trace, row, model, *kept, bound, directory);
      if (!search) return std::unexpected(search.error());
      recoveries += search->recoveries;
      findings.insert(findings.end(), search->findings.begin(), search->findings.end());
      if (search->verdict == Verdict::kUnknown && *kept < asked) {
        exhaustive = false;  // what was asked for is broken; how badly was not found out
        kept = std::nullopt;
        not_found_out = search->unknown;
        break;
      }
      if (search->verdict == Verdict::kUnknown) {
        ComparisonCell unknown;
        unknown.recoveries = recoveries;
        unknown.unknown = search->unknown;
        return unknown;
      }
      exhaustive = search->exhaustive;
      if (search->verdict == Verdict::kHeld) break;
      kept = Below(BrokenPromise(Worst(findings).violation));
    }
    ComparisonCell cell = CellOf(kept, exhaustive, asked, findings);
    cell.implied = implied && recoveries == 0;
    cell.unknown = std::move(not_found_out);
    cell.recoveries = recoveries;
    if (!cell.case_path.empty()) cell.case_path = directory + "/" + cell.case_path;
    return cell;
  }

  Expected<Search> Explore(const Trace& trace, const ComparisonRow& row, const Model& model,
                           Promise promise, uint64_t recoveries_per_point,
                           const std::string& directory) {
    Search search;
    ExploreOptions explore = options_.explore;
    if (options_.explore.budget) {
      const auto used =
          std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
      explore.budget = *options_.explore.budget - used;
      if (explore.budget->count() <= 0) comparison_.out_of_budget = true;
    }
    if (stopped()) {
      search.unknown = comparison_.interrupted ? "stopped by a signal" : "out of budget";
      return search;
    }
    ExploreSettings& settings = explore.settings;
    settings.target = row.target;
    settings.model = &model;
    settings.promise = promise;
    settings.per_class = std::min(settings.per_class, kPerClass);
    settings.patience = kPatience;
    settings.depth = 1;  // what two crashes break is for run to say: here many rows are compared
    if (settings.recoveries_per_point == 0) settings.recoveries_per_point = recoveries_per_point;
    explore.out_directory += "/" + directory;
    CompareProgress progress{.strategy = row.name,
                             .model = ModelText(model),
                             .rows_done = comparison_.rows.size(),
                             .explore = {}};
    Expected<Result> result = plugpull::Explore(trace, explore, [&](const ExploreProgress& now) {
      progress.explore = now;
      return on_progress_(progress);
    });
    if (!result) return std::unexpected(result.error());
    comparison_.interrupted = comparison_.interrupted || result->interrupted;
    const bool ended =
        std::ranges::find(result->coverage.bounds, "budget") != result->coverage.bounds.end();
    comparison_.out_of_budget = comparison_.out_of_budget || ended;
    search.verdict = result->verdict;
    search.exhaustive = result->coverage.mode == "exhaustive";
    search.recoveries = result->coverage.recoveries;
    comparison_.recoveries += search.recoveries;
    search.findings = std::move(result->findings);
    if (!result->coverage.unknown.empty()) search.unknown = result->coverage.unknown.front();
    // A search that was cut off half way has not seen anything hold.
    if (stopped() && search.verdict == Verdict::kHeld) {
      search.verdict = Verdict::kUnknown;
      search.unknown = comparison_.interrupted ? "stopped by a signal" : "out of budget";
    }
    return search;
  }

  const CompareOptions& options_;
  const OnCompareProgress& on_progress_;
  Clock::time_point started_;
  Comparison comparison_;
};

}  // namespace

Expected<Comparison> Compare(const CompareOptions& options, const OnCompareProgress& on_progress) {
  return Comparing(options, on_progress).Run();
}

CommitCost CostOf(const Trace& trace) {
  CommitCost so_far;
  CommitCost cost;  // up to the last acknowledgement
  bool begun = false;
  for (const Op& op : trace.ops) {
    begun = begun || op.kind == OpKind::kBegin;
    if (!begun) continue;
    if (IsSync(op.kind)) ++so_far.syncs;
    if (op.kind == OpKind::kWrite) {
      ++so_far.writes;
      so_far.bytes += op.size_bytes;
    }
    if (op.kind != OpKind::kAcknowledge) continue;
    ++so_far.commits;
    so_far.changed_bytes += ChangedBytes(trace.transactions[op.transaction - 1]);
    cost = so_far;
  }
  return cost;
}

ComparisonCell CellOf(std::optional<Promise> kept, bool exhaustive, Promise asked,
                      const std::vector<Finding>& findings) {
  ComparisonCell cell;
  cell.kept = kept;
  cell.exhaustive = exhaustive;
  cell.verdict = kept && *kept >= asked ? Verdict::kHeld : Verdict::kViolated;
  for (const Finding& finding : findings) {
    if (std::ranges::find(cell.classes, finding.violation) == cell.classes.end()) {
      cell.classes.push_back(finding.violation);
    }
    if (BrokenPromise(finding.violation) > asked) continue;
    cell.broken_by = std::min(cell.broken_by.value_or(kLastFaultLevel), finding.fault_level);
  }
  std::ranges::sort(cell.classes);
  if (!findings.empty()) cell.case_path = Worst(findings).case_path;
  return cell;
}

}  // namespace plugpull
