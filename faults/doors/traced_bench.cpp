// What a call costs under the supervisor, by the clock of the program itself: a write of 4 KiB that
// is performed and recorded, and one that is only announced and then passed on, which is what every
// such supervisor costs at least.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "faults/doors/traced_program.h"

namespace plugpull {
namespace {

constexpr int kCalls = 5000;

// A program is timed as a whole, and the same with few calls is taken off.
double SecondsOf(const std::string& directory, const std::string& file, int calls) {
  TracedSettings settings{
      .directory = directory,
      .arguments = {"dd", "if=/dev/zero", "of=" + file, "bs=4096", "conv=notrunc", "status=none",
                    "count=" + std::to_string(calls)},
      .work_directory = {}};
  const auto begin = std::chrono::steady_clock::now();
  auto program = TracedProgram::Start(settings);
  if (!program) return 0;
  while (true) {
    const auto event = (*program)->Serve();
    if (!event || *event == TracedProgram::Event::kEnded) break;
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void Measure(benchmark::State& state, bool recorded) {
  std::string place = "/dev/shm/door-bench-XXXXXX";
  if (::mkdtemp(place.data()) == nullptr) {
    state.SkipWithError("no directory in memory");
    return;
  }
  const std::string directory = place + "/recorded";
  std::filesystem::create_directory(directory);
  const std::string file = (recorded ? directory : place) + "/f";
  double total_s = 0;
  for (auto _ : state) {
    const double seconds = SecondsOf(directory, file, kCalls + 1) - SecondsOf(directory, file, 1);
    std::filesystem::remove(file);
    state.SetIterationTime(std::max(seconds, 1e-9));
    total_s += seconds;
  }
  const auto calls = static_cast<double>(state.iterations()) * kCalls;
  state.counters["us_per_call"] = total_s * 1e6 / calls;
  std::filesystem::remove_all(place);
}

void BM_PerformedWrite4KiB(benchmark::State& state) { Measure(state, true); }
void BM_PassedOnWrite4KiB(benchmark::State& state) { Measure(state, false); }

BENCHMARK(BM_PerformedWrite4KiB)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_PassedOnWrite4KiB)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plugpull
