#include "harness/explain_runs.h"

#include <fmt/format.h>

#include <optional>

#include "harness/case_timeline.h"
#include "harness/error_pool.h"
#include "harness/reader_finding.h"

namespace plugpull {
namespace {

// Nothing is lost where nothing crashes: each operation is as its call returned.
std::vector<TimelineRow> RowsOf(const Trace& trace, size_t operations) {
  const std::vector<FateOfOperation> fates(trace.ops.size());
  return TimelineOf(trace, OperationWords(trace), fates,
                    {.begin = 0,
                     .most_rows = operations,
                     .missing = {},
                     .crash = "HERE: it shows, without a crash"});
}

void Compare(const Case& saved, const std::optional<Violation>& seen,
             CaseExplanation& explanation) {
  explanation.is_reproduced = seen == saved.violation;
  if (explanation.is_reproduced) return;
  explanation.instead = seen ? fmt::format("{}: {}", Name(seen->violation), seen->message) : "held";
}

}  // namespace

Expected<CaseExplanation> ExplainFailingCalls(const Case& saved, size_t operations,
                                              CaseExplanation explanation) {
  Expected<RecordSettings> record = RecordSettingsOf(saved.trace);
  if (!record) return std::unexpected(record.error());
  record->options.transactions = saved.running_transactions;
  const Expected<FailurePlan> plan = ParseFailurePlan(saved.running_plan);
  if (!plan) return std::unexpected(plan.error());
  Expected<ErrorPool> pool = ErrorPool::Create(*record, saved.settings, 1);
  if (!pool) return std::unexpected(pool.error());
  Trace trace;
  const Expected<PlanResult> outcome = pool->RunOne(*plan, trace);
  if (!outcome) return std::unexpected(outcome.error());
  Compare(saved, outcome->violation, explanation);
  explanation.promised = fmt::format(
      "{} ran {} transactions while calls failed by the plan '{}'. A transaction that fails has an "
      "unknown outcome: afterwards the store must show the contents before it or after it.",
      saved.settings.target, saved.running_transactions, saved.running_plan);
  explanation.lost = "There is no crash in this case; nothing was lost but what the calls say.";
  explanation.recovered = "What was wrong showed while the program went on.";
  explanation.missing = "It needs no crash, so no sync that could be added is looked for.";
  explanation.timeline = RowsOf(trace, operations);
  return explanation;
}

Expected<CaseExplanation> ExplainReaders(const Case& saved, size_t operations,
                                         CaseExplanation explanation) {
  const Expected<std::optional<Violation>> seen = WatchAgain(saved.trace);
  if (!seen) return std::unexpected(seen.error());
  Compare(saved, *seen, explanation);
  explanation.promised = fmt::format(
      "{} ran its workload with readers: each must show, as long as it is open, the contents as "
      "they were when it was opened.",
      saved.settings.target);
  explanation.lost = "There is no crash in this case; nothing was lost.";
  explanation.recovered = "A reader showed something else while transactions were committed.";
  explanation.missing = "It needs no crash, so no sync that could be added is looked for.";
  explanation.timeline = RowsOf(saved.trace, operations);
  return explanation;
}

}  // namespace plugpull
