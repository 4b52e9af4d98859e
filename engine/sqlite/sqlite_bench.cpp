// How long one recovery of a small SQLite store takes: open, integrity check, full scan, and the
// end of the process. The harness does this for every crash state that it looks at.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <vector>

#include "engine/sqlite/sqlite_engine.h"
#include "engine/sqlite/sqlite_test_support.h"
#include "faults/base/assert.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

class CountingVisitor final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    bytes_ += key.size() + value.size();
  }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;
};

// No checkpoints: the log of a killed process stays.
EngineOptions OptionsWith(const std::string& journal) {
  return SqliteOptions({{"journal", journal}, {"checkpoint", "0"}});
}

// Returns: the files of `vfs` that have a name, as a restart would find them.
Image FilesOf(Vfs& vfs) {
  MemoryVfs copy;
  const std::vector<std::string> names = vfs.List("").value();
  for (const std::string& name : names) {
    const auto file = vfs.Open(name, OpenOptions{}).value();
    std::vector<std::byte> bytes(file->Size().value());
    Assert(file->Read(0, bytes) == bytes.size(), "a file can be read");
    const auto copied = copy.Open(name, OpenOptions{.create = true}).value();
    Assert(copied->Write(0, bytes).has_value(), "a file can be written");
  }
  return copy.image();
}

// Forty keys with values of up to 200 bytes, three of them with several pages instead. The process
// is killed at the end, so a WAL stays behind.
Image MakeStore(const EngineOptions& options) {
  MemoryVfs vfs;
  const auto engine = SqliteType().Create(vfs, options);
  Assert(engine->Open().has_value(), "a fresh store opens");
  for (size_t first = 0; first < 40; first += 4) {
    Transaction transaction;
    for (size_t i = first; i < first + 4; ++i) {
      const size_t value_bytes = i % 16 == 3 ? 9000 + i : 20 + i * 37 % 180;
      transaction.changes.push_back({fmt::format("key-{:03}", i), std::string(value_bytes, 'v')});
    }
    Assert(engine->Apply(transaction).has_value(), "a transaction commits");
  }
  return FilesOf(vfs);
}

void BM_Recover(benchmark::State& state, const std::string& journal) {
  const EngineOptions options = OptionsWith(journal);
  const Image image = MakeStore(options);
  for (auto _ : state) {
    MemoryVfs vfs(image);
    const auto engine = SqliteType().Create(vfs, options);
    CountingVisitor visitor;
    Assert(engine->Open().has_value(), "the store opens");
    Assert(engine->Check()->structure.empty(), "the store is sound");
    Assert(engine->Scan(visitor).has_value(), "the store can be read");
    benchmark::DoNotOptimize(visitor.bytes());
  }
  MemoryVfs vfs(image);
  if (const auto log = vfs.Open("test.db-wal", OpenOptions{})) {
    state.counters["log_bytes"] = static_cast<double>((*log)->Size().value());
  }
}
BENCHMARK_CAPTURE(BM_Recover, delete, "delete");
BENCHMARK_CAPTURE(BM_Recover, wal, "wal");

// The share of the Vfs: an image is copied and dropped, and nothing else.
void BM_CopyImage(benchmark::State& state) {
  const Image image = MakeStore(OptionsWith("wal"));
  for (auto _ : state) {
    MemoryVfs vfs(image);
    benchmark::DoNotOptimize(&vfs);
  }
}
BENCHMARK(BM_CopyImage);

}  // namespace
}  // namespace plugpull
