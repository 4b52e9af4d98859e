// What a driver costs: the bare round trip, and a whole recovery of one image: open, check, dump,
// close. Images are in memory, and nothing is written between two recoveries.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "engine/drivers/driver_testing.h"
#include "engine/target.h"

namespace plugpull {
namespace {

// Starts the driver of a target. Returns: null, with the benchmark skipped, when it is not there.
std::unique_ptr<DriverProcess> StartTarget(benchmark::State& state, const DriverProgram& program) {
  Expected<std::unique_ptr<DriverProcess>> process = DriverProcess::Start(program);
  if (process) return std::move(*process);
  state.SkipWithError(process.error().context.c_str());
  return nullptr;
}

std::optional<DriverProgram> ProgramOf(benchmark::State& state, const char* text) {
  const Expected<Target> target = ParseTarget(text);
  Expected<DriverProgram> program = target->Program();
  if (program) return *program;
  state.SkipWithError(program.error().context.c_str());
  return std::nullopt;
}

void BM_RoundTrip(benchmark::State& state, const char* text) {
  const auto program = ProgramOf(state, text);
  if (!program) return;
  const auto process = StartTarget(state, *program);
  if (process == nullptr) return;
  // Not the start of a runtime.
  if (!process->Send("dump\n") || !process->Receive()) state.SkipWithError("it does not start");
  for (auto _ : state) {
    if (!process->Send("dump\n") || !process->Receive()) state.SkipWithError("the driver is gone");
  }
  state.SetItemsProcessed(state.iterations());
}

// Makes a store of 100 transactions in `directory`. Returns: false when that fails.
bool FillStore(DriverProcess& process, const std::string& directory, const DriverProgram& program) {
  const auto engine = MakeDriverEngine(process, directory, program);
  if (!engine->Open()) return false;
  for (int i = 0; i < 100; ++i) {
    Transaction transaction;
    transaction.changes.push_back({fmt::format("key{:02}", i % 40), std::string(100, 'v')});
    if (!engine->Apply(transaction)) return false;
  }
  return engine->Close().has_value();
}

void BM_Recovery(benchmark::State& state, const char* text) {
  const auto program = ProgramOf(state, text);
  if (!program) return;
  const auto process = StartTarget(state, *program);
  if (process == nullptr) return;
  const ScratchDirectory directory;
  if (!FillStore(*process, directory.path(), *program)) state.SkipWithError("no store was made");
  for (auto _ : state) {
    const auto engine = MakeDriverEngine(*process, directory.path(), *program);
    CollectPairs pairs;
    if (!engine->Open() || !engine->Check() || !engine->Scan(pairs) || pairs.pairs != 40) {
      state.SkipWithError("a sound store does not open");
    }
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(BM_RoundTrip, bbolt, "bbolt")->UseRealTime();
BENCHMARK_CAPTURE(BM_RoundTrip, lmdb, "lmdb")->UseRealTime();
BENCHMARK_CAPTURE(BM_RoundTrip, python, "python")->UseRealTime();
BENCHMARK_CAPTURE(BM_Recovery, bbolt, "bbolt")->UseRealTime();
BENCHMARK_CAPTURE(BM_Recovery, bbolt_nofreelistsync, "bbolt:nofreelistsync=1")->UseRealTime();
BENCHMARK_CAPTURE(BM_Recovery, lmdb, "lmdb")->UseRealTime();
BENCHMARK_CAPTURE(BM_Recovery, lmdb_writemap, "lmdb:writemap=1")->UseRealTime();
BENCHMARK_CAPTURE(BM_Recovery, python, "python")->UseRealTime();

}  // namespace
}  // namespace plugpull
