// How fast crash states are made and judged where reads cannot be seen, by one worker. Counters:
//   states/s   (Enumeration) states whose visible tree was hashed, from the crash points of a run,
//              walking the trace included; (Check) images judged, each another tree
//   images     distinct trees among them
#include <benchmark/benchmark.h>

#include <set>
#include <string>
#include <utility>

#include "faults/base/assert.h"
#include "faults/persistence/state_family.h"
#include "faults/persistence/state_tree.h"
#include "harness/crash_points.h"
#include "harness/image_pool.h"
#include "harness/record.h"

namespace plugpull {
namespace {

Trace Recorded(const std::string& target, uint32_t transactions) {
  RecordSettings record;
  record.target = target;
  record.options.transactions = transactions;
  Expected<Trace> recorded = RecordHere(record);
  Assert(recorded.has_value(), "the benchmark's target runs its workload");
  return std::move(*recorded);
}

void Enumeration(benchmark::State& state, const std::string& target, const char* model) {
  const Trace trace = Recorded(target, 60);
  const std::vector<size_t> points = CrashPoints(trace, *FindModel(model), Promise::kDurable);
  uint64_t states = 0;
  uint64_t images = 0;
  for (auto _ : state) {
    CrashCursor cursor(trace, *FindModel(model));
    CrashGraph graph;
    StateTree tree(graph);
    for (const size_t position : points) {
      cursor.AdvanceTo(position);
      graph.Build(cursor, Tear::kSectorsContiguous);
      tree.Enter();
      StateFamily family(graph.constraints(), OpenOperations(graph), std::nullopt, {});
      std::set<std::pair<uint64_t, uint64_t>> seen;
      while (family.Next()) {
        const TreeHash hash = tree.Hash();
        if (seen.emplace(hash.low, hash.high).second) ++images;
        ++states;
      }
    }
  }
  state.counters["states/s"] =
      benchmark::Counter(static_cast<double>(states), benchmark::Counter::kIsRate);
  state.counters["images"] =
      benchmark::Counter(static_cast<double>(images), benchmark::Counter::kAvgIterations);
}

void Check(benchmark::State& state, const std::string& target, const std::string& check) {
  const Trace trace = Recorded(target, 8);
  const ExploreSettings settings{.target = target, .check = check, .depth = 1};
  std::vector<PointTask> tasks;
  for (const size_t position : CrashPoints(trace, *settings.model, settings.promise)) {
    tasks.push_back({position, settings});
  }
  uint64_t images = 0;
  for (auto _ : state) {
    Expected<std::unique_ptr<PointSearch>> pool = MakeImagePool(trace, 1);
    const Expected<void> explored = (*pool)->Explore(
        tasks, [&](size_t, PointResult result) { images += result.recoveries; },
        [](uint64_t) { return true; });
    Assert(explored.has_value(), "the benchmark's check can be started");
  }
  state.counters["states/s"] =
      benchmark::Counter(static_cast<double>(images), benchmark::Counter::kIsRate);
  state.counters["images"] =
      benchmark::Counter(static_cast<double>(images), benchmark::Counter::kAvgIterations);
}

BENCHMARK_CAPTURE(Enumeration, sqlite, "sqlite:journal=delete,sync=full", "posix-minimal")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Enumeration, sqlite_ext4, "sqlite:journal=delete,sync=full", "ext4-ordered")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Enumeration, sqlite_wal, "sqlite:journal=wal,sync=full", "posix-minimal")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(Check, exec_true, "sqlite:journal=delete,sync=full", "/bin/true")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace plugpull
