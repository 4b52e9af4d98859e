// How fast crash states are explored, in one process and on one core: recoveries a second over all
// crash points of a run, and what the harness adds to a recovery. Counters:
//   recoveries/s   over everything: walking the trace, building graphs, counting states, judging
//   recoveries     of one exploration of the whole trace; `points` its crash points
//   ratio          (only in Overhead) a recovery on the lazily decided view against the same
//                  open-check-scan on a plain memory file system
#include <benchmark/benchmark.h>

#include <chrono>
#include <string>

#include "faults/base/assert.h"
#include "faults/persistence/materialise.h"
#include "faults/vfs/memory_vfs.h"
#include "harness/crash_points.h"
#include "harness/point_explorer.h"
#include "harness/record.h"

namespace plugpull {
namespace {

// A recorded run and all that exploring it takes.
class Bench {
 public:
  Bench(const std::string& target, uint32_t transactions, const char* model = "posix-minimal",
        uint32_t depth = 1) {
    RecordSettings record;
    record.target = target;
    record.options.transactions = transactions;
    Expected<Trace> recorded = RecordHere(record);
    Assert(recorded.has_value(), "the benchmark's target runs its workload");
    trace_ = std::move(*recorded);
    settings_.target = target;
    settings_.model = FindModel(model);
    settings_.depth = depth;
    target_ = *ParseTarget(target);
    model_ = std::make_unique<ReferenceModel>(trace_.transactions);
    points_ = CrashPoints(trace_, *settings_.model, settings_.promise);
    path_.resize(1 << 16);
  }

  const std::vector<size_t>& points() const { return points_; }

  std::unique_ptr<PointExplorer> NewExplorer() {
    return std::make_unique<PointExplorer>(trace_, target_, *model_, settings_,
                                           SearchState{.path = path_,
                                                       .path_length = &path_length_,
                                                       .phase = &phase_,
                                                       .probe = &probe_,
                                                       .recoveries = nullptr,
                                                       .started_ns = nullptr,
                                                       .stop = nullptr});
  }

  // Runs every recovery twice, on the view and on the image that it stands for, and adds up the
  // time of each. Returns: the number of recoveries.
  uint64_t Compare(double& view_s, double& memory_s) {
    uint64_t recoveries = 0;
    CrashCursor cursor(trace_, *settings_.model, settings_.tear);
    CrashGraph graph;
    Recovery recovery(target_, *model_, settings_.promise, {}, phase_);
    path_length_ = 0;
    Choices choices(path_, path_length_);
    CrashView view(graph, choices);
    const auto timed = [&recovery](Vfs& vfs, Window window, double& sum_s) {
      const auto start = std::chrono::steady_clock::now();
      benchmark::DoNotOptimize(recovery.Judge(vfs, window));
      recovery.Drop();
      sum_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    for (const size_t point : points_) {
      cursor.AdvanceTo(point);
      graph.Build(cursor, settings_.tear);
      const Window window{cursor.transactions_acknowledged(), cursor.transactions_attempted()};
      path_length_ = 0;
      do {
        view.Restart();
        timed(view, window, view_s);
        graph.constraints().KeepTheRest();
        const std::vector<AtomId> lost = graph.Lost([&graph](VariableId variable) {
          return graph.constraints().fate(variable) == Fate::kKept;
        });
        MemoryVfs memory(Materialise(trace_, point, lost, graph.tear()));
        timed(memory, window, memory_s);
        ++recoveries;
      } while (choices.Advance());
      graph.constraints().Undo(0);
    }
    return recoveries;
  }

 private:
  Trace trace_;
  ExploreSettings settings_;
  Target target_;
  std::unique_ptr<ReferenceModel> model_;
  std::vector<size_t> points_;
  std::vector<Choice> path_;
  uint32_t path_length_ = 0;
  std::atomic<Phase> phase_{};
  std::atomic<uint32_t> probe_{0};
};

void Explore(benchmark::State& state, const std::string& target, uint32_t depth) {
  Bench bench(target, static_cast<uint32_t>(state.range(0)), "posix-minimal", depth);
  uint64_t recoveries = 0;
  for (auto _ : state) {
    const std::unique_ptr<PointExplorer> explorer = bench.NewExplorer();
    for (const size_t point : bench.points()) {
      const PointResult result = explorer->Explore(point, {});
      recoveries += result.recoveries;
      for (const DepthResult& further : result.deeper) recoveries += further.recoveries;
    }
  }
  state.counters["recoveries/s"] =
      benchmark::Counter(static_cast<double>(recoveries), benchmark::Counter::kIsRate);
  state.counters["recoveries"] =
      benchmark::Counter(static_cast<double>(recoveries), benchmark::Counter::kAvgIterations);
  state.counters["points"] = static_cast<double>(bench.points().size());
}

void Overhead(benchmark::State& state, const std::string& target, const char* model) {
  Bench bench(target, 20, model);
  double view_s = 0;
  double memory_s = 0;
  uint64_t recoveries = 0;
  for (auto _ : state) recoveries += bench.Compare(view_s, memory_s);
  state.counters["ratio"] = view_s / memory_s;
  state.counters["recovery_us"] = view_s * 1e6 / static_cast<double>(recoveries);
}

constexpr const char* kRollback = "sqlite:journal=delete,sync=extra";
constexpr const char* kLog = "sqlite:journal=wal,sync=full";

BENCHMARK_CAPTURE(Explore, cow_tree, "cow_tree", 1)->Arg(200)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Explore, sqlite_delete_extra, kRollback, 1)
    ->Arg(20)
    ->Arg(100)
    ->Arg(200)
    ->Arg(400)
    ->Arg(800)
    ->Unit(benchmark::kMillisecond);
// What a second and a third crash cost, both in recovery.
BENCHMARK_CAPTURE(Explore, sqlite_delete_extra_depth_2, kRollback, 2)
    ->Arg(20)
    ->Arg(200)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Explore, sqlite_delete_extra_depth_3, kRollback, 3)
    ->Arg(20)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Explore, sqlite_wal_full, kLog, 1)->Arg(200)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Overhead, cow_tree, "cow_tree", "posix-minimal")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Overhead, cow_tree_ext4, "cow_tree", "ext4-ordered")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Overhead, sqlite_delete_extra, kRollback, "posix-minimal")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Overhead, sqlite_delete_extra_ext4, kRollback, "ext4-ordered")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Overhead, sqlite_wal_full, kLog, "posix-minimal")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Overhead, sqlite_wal_full_ext4, kLog, "ext4-ordered")
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plugpull
