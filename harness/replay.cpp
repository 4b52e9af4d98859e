#include "harness/replay.h"

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>

#include "harness/error_pool.h"
#include "harness/point_search.h"
#include "harness/reader_finding.h"
#include "harness/record.h"

namespace plugpull {
namespace {

using Once = std::function<Expected<std::optional<Violation>>()>;

Expected<Replayed> Repeat(const Case& saved, uint32_t times, const Once& once) {
  Replayed replayed;
  for (; replayed.times < times; ++replayed.times) {
    const Expected<std::optional<Violation>> seen = once();
    if (!seen) return std::unexpected(seen.error());
    if (*seen == saved.violation) {
      ++replayed.reproduced;
    } else {
      replayed.instead =
          *seen ? fmt::format("{}: {}", Name((*seen)->violation), (*seen)->message) : "held";
    }
  }
  return replayed;
}

// A violation that needs no crash is reproduced by running its plan again.
Expected<Replayed> ReplayErrors(const Case& saved, uint32_t times) {
  Expected<RecordSettings> record = RecordSettingsOf(saved.trace);
  if (!record) return std::unexpected(record.error());
  record->options.transactions = saved.running_transactions;
  const Expected<FailurePlan> plan = ParseFailurePlan(saved.running_plan);
  if (!plan) return std::unexpected(plan.error());
  Expected<ErrorPool> pool = ErrorPool::Create(*record, saved.settings, 1);
  if (!pool) return std::unexpected(pool.error());
  return Repeat(saved, times, [&]() -> Expected<std::optional<Violation>> {
    Trace trace;
    Expected<PlanResult> outcome = pool->RunOne(*plan, trace);
    if (!outcome) return std::unexpected(outcome.error());
    return std::move(outcome->violation);
  });
}

Expected<Replayed> ReplayCrash(const Case& saved, uint32_t times) {
  const Trace trace = LastTrace(saved);
  const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(trace, saved.settings, 1);
  if (!search) return std::unexpected(search.error());
  return Repeat(saved, times, [&] {
    return (*search)->Replay({.position = trace.ops.size(),
                              .window = saved.window,
                              .lost = LastLost(saved),
                              .settings = saved.settings,
                              .fault = saved.fault,
                              .in_use = saved.in_use});
  });
}

}  // namespace

Expected<Replayed> ReplayCase(const Case& saved, uint32_t times) {
  if (!saved.running_plan.empty()) return ReplayErrors(saved, times);
  // A change that readers saw is reproduced by running the workload again.
  if (saved.while_recording) {
    return Repeat(saved, times, [&saved] { return WatchAgain(saved.trace); });
  }
  return ReplayCrash(saved, times);
}

}  // namespace plugpull
