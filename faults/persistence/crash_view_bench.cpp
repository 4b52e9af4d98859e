// What an engineer waits for: building the graph of a crash point, and executions on its view.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/persistence/crash_view.h"
#include "faults/persistence/state_count.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull {
namespace {

// A database of 100 durable pages, of which the last commit rewrote a few twice, and a new journal.
Trace Commit(uint64_t open_pages) {
  MemoryVfs disk;
  RecordingVfs recorder(disk);
  const auto database = *recorder.Open("db", {.create = true});
  (void)database->Write(0, AsBytes(std::string(100 * 4096, '0')));
  (void)database->Sync(SyncKind::kFull);
  (void)recorder.SyncDirectory("");
  const auto journal = *recorder.Open("journal", {.create = true});
  for (uint64_t page = 0; page < open_pages; ++page) {
    (void)journal->Write(page * 4096, AsBytes(std::string(4096, 'j')));
    for (const char letter : {'1', '2'}) {
      (void)database->Write(page * 4096, AsBytes(std::string(4096, letter)));
    }
  }
  return recorder.trace();
}

void BuildGraph(benchmark::State& state) {
  const Trace trace = Commit(static_cast<uint64_t>(state.range(0)));
  CrashCursor cursor(trace, Models().front());
  cursor.AdvanceTo(trace.ops.size());
  CrashGraph graph;
  for (auto _ : state) graph.Build(cursor, Tear::kSectorsContiguous);
  state.counters["atoms"] = static_cast<double>(graph.atoms().size());
}
BENCHMARK(BuildGraph)->Arg(4)->Arg(32)->Arg(256);

void CountStates(benchmark::State& state) {
  const Trace trace = Commit(static_cast<uint64_t>(state.range(0)));
  CrashCursor cursor(trace, Models().front());
  cursor.AdvanceTo(trace.ops.size());
  CrashGraph graph;
  graph.Build(cursor, Tear::kSectorsContiguous);
  for (auto _ : state) benchmark::DoNotOptimize(StateCounter(graph).total());
}
BENCHMARK(CountStates)->Arg(4)->Arg(32)->Arg(256);

// Executions that read two bytes of each of three pages and the size of the journal, with or
// without the count of what each covers.
void ExecuteOnView(benchmark::State& state) {
  const Trace trace = Commit(static_cast<uint64_t>(state.range(0)));
  CrashCursor cursor(trace, Models().front());
  cursor.AdvanceTo(trace.ops.size());
  CrashGraph graph;
  graph.Build(cursor, Tear::kSectorsContiguous);
  StateCounter counter(graph);
  std::array<Choice, 256> path;
  uint32_t length = 0;
  Choices choices(path, length);
  CrashView view(graph, choices);
  std::array<std::byte, 1> byte{};
  int64_t executions = 0;
  for (auto _ : state) {
    view.Restart();
    {
      const auto database = *view.Open("db", {});
      for (uint64_t page = 0; page < 3; ++page) {
        benchmark::DoNotOptimize(database->Read(page * 4096, byte));
        benchmark::DoNotOptimize(database->Read(page * 4096 + 2000, byte));
      }
      if (const auto journal = view.Open("journal", {})) {
        benchmark::DoNotOptimize((*journal)->Size());
      }
    }
    choices.Finish();
    if (state.range(1) != 0) benchmark::DoNotOptimize(counter.CountAgreeing());
    ++executions;
    if (!choices.Advance()) length = 0;
  }
  state.SetItemsProcessed(executions);
}
BENCHMARK(ExecuteOnView)->ArgNames({"pages", "count"})->ArgsProduct({{4, 32, 256}, {0, 1}});

}  // namespace
}  // namespace plugpull
