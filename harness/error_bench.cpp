// How fast plans of failing calls are worked off, in one process and on one core: the run under
// each plan, and the quick look at what crashes leave of it. Counters:
//   plans/s   over everything
//   plans     in one pass; `runs` those that differ, of which crashes were explored
#include <benchmark/benchmark.h>

#include <set>
#include <string>

#include "faults/base/assert.h"
#include "harness/error_explore.h"
#include "harness/error_plans.h"

namespace plugpull {
namespace {

// Every n-th plan of `each`, so that there are about `count`.
void WorkOff(benchmark::State& state, const std::string& target, size_t count) {
  RecordSettings record;
  record.target = target;
  record.options.transactions = 20;
  ExploreSettings settings;
  settings.target = target;
  ErrorRun run;
  const Expected<PlanResult> plain = PlanExplorer(record, settings).Explore({}, true, run);
  Assert(plain.has_value(), "the benchmark's target runs its workload");
  const std::vector<FailurePlan> plans = PlansForEach(plain->calls);
  const size_t step = plans.size() / count + 1;
  uint64_t done = 0;
  std::set<uint64_t> runs;
  for (auto _ : state) {
    PlanExplorer explorer(record, settings);
    for (size_t i = 0; i < plans.size(); i += step) {
      const Expected<PlanResult> result = explorer.Explore(plans[i], false, run);
      Assert(result.has_value(), "the plan runs");
      runs.insert(result->run_hash);
      ++done;
    }
  }
  state.counters["plans/s"] =
      benchmark::Counter(static_cast<double>(done), benchmark::Counter::kIsRate);
  state.counters["plans"] = static_cast<double>((plans.size() + step - 1) / step);
  state.counters["runs"] = static_cast<double>(runs.size());
}

void SqliteDelete(benchmark::State& state) {
  WorkOff(state, "sqlite:journal=delete,sync=extra", 2000);
}
BENCHMARK(SqliteDelete)->Unit(benchmark::kSecond)->Iterations(1);

void SqliteWal(benchmark::State& state) { WorkOff(state, "sqlite:journal=wal,sync=full", 2000); }
BENCHMARK(SqliteWal)->Unit(benchmark::kSecond)->Iterations(1);

void CowTree(benchmark::State& state) { WorkOff(state, "cow_tree", 2000); }
BENCHMARK(CowTree)->Unit(benchmark::kSecond)->Iterations(1);

}  // namespace
}  // namespace plugpull
