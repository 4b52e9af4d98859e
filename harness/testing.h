// What the tests of the harness share: short recordings, the memory of a search, an engine type
// made of a function, and the engine that misbehaves on purpose.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"
#include "harness/point_explorer.h"
#include "harness/record.h"

namespace plugpull {

// Returns: a recording of a workload on a target. The test fails when there is none.
inline Trace SmallTrace(const std::string& target, uint32_t transactions, uint64_t seed = 1,
                        uint32_t keys = 6) {
  const Expected<Trace> trace =
      RecordHere({.target = target,
                  .workload = "mixed",
                  .options = {.seed = seed, .transactions = transactions, .keys = keys}});
  EXPECT_TRUE(trace.has_value()) << Describe(trace.error());
  return trace.value_or(Trace());
}

// Returns: a recording of these very transactions.
inline Trace TraceOf(const std::string& target_text, const std::vector<Transaction>& transactions) {
  const Expected<Target> target = ParseTarget(target_text);
  EXPECT_TRUE(target.has_value()) << target_text;
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  recorder.trace().transactions = transactions;
  const std::unique_ptr<Engine> engine = target->Create(recorder);
  EXPECT_TRUE(engine->Open().has_value());
  uint32_t acknowledged = 0;
  for (uint32_t number = 1; number <= transactions.size(); ++number) {
    recorder.Begin(number);
    EXPECT_TRUE(engine->Apply(transactions[number - 1]).has_value());
    while (acknowledged + engine->Pending() < number) recorder.Acknowledge(++acknowledged);
  }
  return recorder.trace();
}

inline Transaction Put(std::string key, std::string value) {
  return {.changes = {{std::move(key), std::move(value)}}};
}
inline Transaction Delete(std::string key) { return {.changes = {{std::move(key), std::nullopt}}}; }

// What a search keeps in shared memory when it runs in a child, in plain memory.
struct LocalSearch {
  std::vector<Choice> path = std::vector<Choice>(size_t{1} << 16);
  uint32_t path_length = 0;
  std::atomic<Phase> phase = Phase::kOpen;
  std::atomic<uint32_t> probe = 0;
  std::atomic<uint64_t> recoveries = 0;
  std::atomic<uint64_t> started_ns = 0;
  std::atomic<bool> stop = false;

  SearchState state() {
    return {.path = path,
            .path_length = &path_length,
            .phase = &phase,
            .probe = &probe,
            .recoveries = &recoveries,
            .started_ns = &started_ns,
            .stop = &stop};
  }
};

// An engine type whose stores come from a function.
class FunctionEngineType final : public EngineType {
 public:
  using Make = std::function<std::unique_ptr<Engine>(Vfs& vfs)>;
  explicit FunctionEngineType(Make make) : make_(std::move(make)) {}

  std::string_view name() const override { return "function"; }
  std::string_view description() const override { return "made by a test"; }
  const std::vector<OptionSpec>& options() const override { return options_; }
  std::unique_ptr<Engine> Create(Vfs& vfs, const EngineOptions& /*options*/) const override {
    return make_(vfs);
  }
  std::string RoleOf(std::string_view path) const override { return std::string(path); }

 private:
  Make make_;
  std::vector<OptionSpec> options_;
};

// An engine that is right about everything but what it meets half written: a log of checksummed
// records. Where the last record is torn it does what its options say: `how` (none: cuts it off, as
// it should; segv, abort, exit, hang; flaky: reads in another order each second time) and `when`
// (open, check, scan, reopen, use). With `sync=0` it promises too much. Its readers change with the
// store where `readers=live`, show too little where `readers=stale`, and see what was rolled back
// where `rollback=leaks`; `none`: there is no such thing.
const EngineType& FragileLogType();

}  // namespace plugpull
