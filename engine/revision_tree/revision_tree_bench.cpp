// What a crash explorer does with each image: create, open, check, scan, destroy. The harness wants
// 20,000 of these a second on one core. And what the scan of a recovery costs as the file grows.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "engine/revision_tree/revision_tree.h"
#include "faults/base/assert.h"
#include "faults/base/random.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

class PairCounter final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    ++pairs;
    benchmark::DoNotOptimize(key.data());
    benchmark::DoNotOptimize(value.data());
  }
  int64_t pairs = 0;
};

EngineOptions DefaultOptions() {
  EngineOptions options;
  for (const OptionSpec& spec : RevisionTreeType().options()) {
    options[spec.name] = spec.default_value;
  }
  return options;
}

// Overwrites random ones of `key_count` keys, until each is there and pages have changed hands.
// Closed in good order, the store asks for no scan.
void FillStore(Vfs& vfs, const EngineOptions& options, uint64_t key_count, uint64_t value_bytes,
               bool closes) {
  const std::unique_ptr<Engine> engine = RevisionTreeType().Create(vfs, options);
  Assert(engine->Open().has_value(), "a new store opens");
  Random random(1);
  for (uint64_t round = 0; round < 4 * key_count; ++round) {
    const uint64_t key = round < key_count ? round : random.Below(key_count);
    Transaction transaction;
    transaction.changes.push_back(
        Change{fmt::format("key{:04}", key), std::string(random.Below(2 * value_bytes), 'v')});
    Assert(engine->Apply(transaction).has_value(), "a sound store takes changes");
  }
  if (closes) Assert(engine->Close().has_value(), "a sound store closes");
}

void OpenCheckScan(benchmark::State& state, bool is_clean) {
  const EngineOptions options = DefaultOptions();
  const auto key_count = static_cast<uint64_t>(state.range(0));
  MemoryVfs filled;
  FillStore(filled, options, key_count, static_cast<uint64_t>(state.range(1)), is_clean);
  const Image image = filled.image();
  for (auto _ : state) {
    MemoryVfs vfs(image);  // bytes are shared until they are written
    const std::unique_ptr<Engine> engine = RevisionTreeType().Create(vfs, options);
    Assert(engine->Open().has_value(), "a sound store opens");
    const Expected<CheckReport> report = engine->Check();
    Assert(report && report->structure.empty() && report->leaks.empty(), "a sound store is clean");
    PairCounter counter;
    Assert(engine->Scan(counter).has_value(), "a sound store is scanned");
    Assert(counter.pairs == state.range(0), "every key is shown");
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(OpenCheckScan, clean, true)
    ->ArgNames({"keys", "value_bytes"})
    ->Args({40, 16})
    ->Args({40, 100})
    ->Args({40, 1000})
    ->Args({4000, 100});
BENCHMARK_CAPTURE(OpenCheckScan, recovered, false)
    ->ArgNames({"keys", "value_bytes"})
    ->Args({40, 16})
    ->Args({40, 100})
    ->Args({400, 100})
    ->Args({4000, 100});

}  // namespace
}  // namespace plugpull
