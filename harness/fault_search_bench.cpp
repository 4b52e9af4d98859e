// How fast faults beyond the disk's contract are tried, in one process and on one core. Counters:
//   instances/s   damage read from its text, done to the crash point, recovered from, taken back
//   instances     of one plan
// Plan is the time to choose all instances of a run.
#include <benchmark/benchmark.h>

#include "faults/base/assert.h"
#include "harness/fault_search.h"
#include "harness/record.h"

namespace plugpull {
namespace {

constexpr uint32_t kTransactions = 50;

Trace Recorded(const std::string& target) {
  RecordSettings record;
  record.target = target;
  record.options.transactions = kTransactions;
  Expected<Trace> trace = RecordHere(record);
  Assert(trace.has_value(), "the benchmark's target runs its workload");
  return std::move(*trace);
}

void Plan(benchmark::State& state, const std::string& target, const std::string& fault) {
  const Trace trace = Recorded(target);
  ExploreSettings settings;
  settings.target = target;
  size_t instances = 0;
  for (auto _ : state) instances = PlanFault(trace, settings, fault)->tasks.size();
  state.counters["instances"] = static_cast<double>(instances);
}

void Instances(benchmark::State& state, const std::string& target, const std::string& fault) {
  const Trace trace = Recorded(target);
  ExploreSettings settings;
  settings.target = target;
  const Expected<FaultPlan> plan = PlanFault(trace, settings, fault);
  Assert(plan.has_value() && !plan->tasks.empty(), "the benchmark's fault has instances");
  const Target parsed = *ParseTarget(target);
  const ReferenceModel model(trace.transactions);
  std::vector<Choice> path(1 << 16);
  uint32_t path_length = 0;
  std::atomic<Phase> phase = Phase::kOpen;
  std::atomic<uint32_t> probe = 0;
  uint64_t done = 0;
  for (auto _ : state) {
    PointExplorer explorer(trace, parsed, model, plan->tasks.front().settings,
                           {.path = path,
                            .path_length = &path_length,
                            .phase = &phase,
                            .probe = &probe,
                            .recoveries = nullptr,
                            .started_ns = nullptr,
                            .stop = nullptr});
    DamageReader reader(trace);
    for (const PointTask& task : plan->tasks) {
      const Expected<Damage> damage = reader.Read(task.fault, task.position);
      Assert(damage.has_value(), "what is planned is an instance");
      benchmark::DoNotOptimize(explorer.ExploreDamaged(task.position, *damage, {}));
      ++done;
    }
  }
  state.counters["instances"] = static_cast<double>(plan->tasks.size());
  state.counters["instances/s"] =
      benchmark::Counter(static_cast<double>(done), benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(Plan, sqlite_stale_page, "sqlite:sync=extra", "stale-page")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Plan, sqlite_misdirected_write, "sqlite:sync=extra", "misdirected-write")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Instances, sqlite_stale_page, "sqlite:sync=extra", "stale-page")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Instances, sqlite_bit_rot, "sqlite:sync=extra", "bit-rot")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Instances, cow_tree_stale_page, "cow_tree", "stale-page")
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plugpull
