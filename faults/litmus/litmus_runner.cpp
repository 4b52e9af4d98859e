#include "faults/litmus/litmus_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/litmus/disk.h"
#include "faults/litmus/witness.h"
#include "faults/persistence/choices.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/crash_view.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/model_text.h"

namespace plugpull {
namespace {

// More choices than any execution of a small program makes.
constexpr size_t kMostChoices = size_t{1} << 16;

// The parameters in which `variant` differs, as --model takes them.
std::string ParametersThatDiffer(const Model& model, const Model& variant) {
  std::vector<std::string> differing;
  for (const ModelParameter& parameter : ModelParameters()) {
    const std::string value = parameter.value(variant);
    if (value != parameter.value(model)) {
      differing.push_back(fmt::format("{}={}", parameter.key, value));
    }
  }
  return fmt::format("{}", fmt::join(differing, ","));
}

// What a failed sync of a file that reverts takes away: what was issued since the sync before it.
std::vector<AtomId> Reverted(const Trace& trace) {
  std::vector<AtomId> lost;
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const Op& failed = trace.ops[i];
    const bool is_sync = failed.kind == OpKind::kSync || failed.kind == OpKind::kDataSync;
    if (!is_sync || failed.result_errno == 0) continue;
    for (size_t k = i; k-- > 0;) {
      const Op& op = trace.ops[k];
      if (op.kind == OpKind::kSyncAll) break;
      if (op.inode != failed.inode) continue;
      if (op.kind == OpKind::kSync || op.kind == OpKind::kDataSync) break;
      if (op.kind == OpKind::kWrite) {
        lost.push_back({static_cast<uint32_t>(k), AtomKind::kData, 0});
        lost.push_back({static_cast<uint32_t>(k), AtomKind::kSize, 0});
      } else if (op.kind == OpKind::kTruncate) {
        lost.push_back({static_cast<uint32_t>(k), AtomKind::kTruncate, 0});
      }
    }
  }
  std::ranges::sort(lost);
  return lost;
}

Expected<LitmusAnswer> AskLive(const Litmus& litmus, const Question& question, const Model& model) {
  ImageDisk disk(LiveImage(litmus.trace, model));
  const Expected<bool> holds = Holds(question, disk, litmus.letters);
  if (!holds) return std::unexpected(holds.error());
  return LitmusAnswer{.allowed = *holds, .executions = 1};
}

// The variants to try beside the model, with the parameters that a table names for each.
Expected<std::vector<ModelVariant>> VariantsFor(const Litmus& litmus, const Model& model) {
  std::vector<ModelVariant> variants = VariantsOf(model);
  if (litmus.modifier.empty()) return variants;
  const Expected<const Model*> modified =
      ParseModel(fmt::format("{},{}", ModelText(model), litmus.modifier));
  if (!modified) return std::unexpected(modified.error());
  variants.push_back({.heuristic = false, .model = **modified});
  return variants;
}

}  // namespace

Image LiveImage(const Trace& trace, const Model& model) {
  std::vector<AtomId> lost;
  switch (model.failed_sync) {
    case FailedSync::kKeep:
    case FailedSync::kLate:
      break;
    case FailedSync::kRevert:
      lost = Reverted(trace);
      break;
  }
  return Materialise(trace, trace.ops.size(), lost, Tear::kNone);
}

Expected<LitmusAnswer> Ask(const Litmus& litmus, const Question& question, const Model& model) {
  if (litmus.live) return AskLive(litmus, question, model);
  CrashCursor cursor(litmus.trace, model);
  cursor.AdvanceTo(litmus.crash_at);
  CrashGraph graph;
  graph.Build(cursor, EffectiveTear(model, Tear::kSectorsAny));
  std::vector<Choice> path(kMostChoices);
  uint32_t length = 0;
  Choices choices(path, length);
  CrashView view(graph, choices);
  CrashDisk disk(view);
  LitmusAnswer answer;
  do {
    if (++answer.executions > kMostLitmusExecutions) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("{} executions did not answer it; ask about fewer bytes",
                              kMostLitmusExecutions));
    }
    view.Restart();
    const Expected<bool> holds = Holds(question, disk, litmus.letters);
    if (!holds) return std::unexpected(holds.error());
    choices.Finish();
    Assert(!choices.diverged() && !choices.overflowed(), "a question looks the same way each time");
    answer.allowed = *holds;
  } while (!answer.allowed && choices.Advance());
  if (answer.allowed) {
    graph.constraints().KeepTheRest();
    answer.witness = DescribeState(litmus, graph);
  }
  return answer;
}

Expected<LitmusCell> ComputeCell(const Litmus& litmus, const Model& model) {
  const Expected<LitmusAnswer> answer = Ask(litmus, litmus.ask, model);
  if (!answer) return std::unexpected(answer.error());
  LitmusCell cell{.mark = answer->allowed ? Mark::kAllowed : Mark::kForbidden,
                  .allowed = answer->allowed,
                  .witness = answer->witness};
  const Expected<std::vector<ModelVariant>> variants = VariantsFor(litmus, model);
  if (!variants) return std::unexpected(variants.error());
  for (const ModelVariant& variant : *variants) {
    const Expected<LitmusAnswer> other = Ask(litmus, litmus.ask, variant.model);
    if (!other) return std::unexpected(other.error());
    if (other->allowed == cell.allowed) continue;
    const bool hides = variant.heuristic && cell.allowed;
    // A parameter that is not known says more than a heuristic.
    if (hides && cell.mark == Mark::kKnob) continue;
    const bool first = cell.mark != (hides ? Mark::kHidden : Mark::kKnob);
    cell.mark = hides ? Mark::kHidden : Mark::kKnob;
    const std::string parameters = ParametersThatDiffer(model, variant.model);
    cell.depends_on = first ? parameters : fmt::format("{} or {}", cell.depends_on, parameters);
  }
  if (cell.mark == Mark::kAllowed && litmus.hidden.contains(model.name)) cell.mark = Mark::kHidden;
  if (litmus.never) {
    const Expected<LitmusAnswer> never = Ask(litmus, *litmus.never, model);
    if (!never) return std::unexpected(never.error());
    cell.never_holds = !never->allowed;
    if (never->allowed) cell.witness = never->witness;
  }
  return cell;
}

Expected<LitmusTable> ComputeTable(const std::vector<Litmus>& tests,
                                   const std::vector<LitmusColumn>& columns) {
  LitmusTable table{.columns = columns};
  for (const Litmus& litmus : tests) {
    LitmusRow row{.litmus = &litmus};
    for (const LitmusColumn& column : columns) {
      Expected<LitmusCell> cell = ComputeCell(litmus, *column.model);
      if (!cell) {
        return Fail(cell.error().code, fmt::format("{}, {}: {}", litmus.name, column.model->name,
                                                   cell.error().context));
      }
      row.cells.push_back(std::move(*cell));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<LitmusDifference> Differences(const LitmusTable& table, const LitmusRow& row) {
  std::vector<LitmusDifference> differences;
  const Litmus& litmus = *row.litmus;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Model& model = *table.columns[i].model;
    // Expectations are about the named models alone.
    if (FindModel(model.name) != &model) continue;
    const LitmusCell& cell = row.cells[i];
    const auto report = [&](std::string text, std::string reason = "") {
      differences.push_back(
          {litmus.name, table.columns[i].heading, std::move(text), std::move(reason)});
    };
    if (!cell.never_holds) report("what must never be is allowed");
    if (litmus.hidden.contains(model.name) && !cell.allowed) {
      report("said to be allowed but usually hidden, computed -");
    }
    const auto expected = litmus.expected.find(model.name);
    if (expected == litmus.expected.end()) continue;
    const auto differs = litmus.differs.find(model.name);
    if (expected->second == cell.mark) {
      if (differs != litmus.differs.end()) report("said to differ, but computed as expected");
      continue;
    }
    const bool is_known = differs != litmus.differs.end() && differs->second.mark == cell.mark;
    report(fmt::format("expected {}, computed {}", static_cast<char>(expected->second),
                       static_cast<char>(cell.mark)),
           is_known ? differs->second.text : "");
  }
  return differences;
}

}  // namespace plugpull
