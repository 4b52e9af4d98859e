#include "harness/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "faults/inject/damage.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/model_text.h"
#include "harness/case_timeline.h"
#include "harness/explain_runs.h"
#include "harness/explain_words.h"
#include "harness/kept_image.h"
#include "harness/point_search.h"
#include "harness/recovery_steps.h"
#include "harness/user_program.h"

namespace plugpull {
namespace {

// One crash of a case: a trace that ends at it, and what it lost.
struct CrashOfCase {
  const Trace& trace;
  size_t begin = 0;  // operations before this made the disk
  const std::vector<AtomId>& lost;
  OperationWords words;
  std::vector<FateOfOperation> fates;
  bool lies = false;  // some syncs were lies
};

// A killed process loses nothing, so its model knows of no fates. What a power cut could have lost
// is told under the weakest one.
const Model& ModelOfFates(const Case& saved) {
  const Model& model = *saved.settings.model;
  return model.shape == Shape::kEverything ? Models().front() : model;
}

std::string CrashText(const Case& saved) {
  if (saved.settings.model->shape == Shape::kEverything && saved.fault.empty()) {
    return "the process is killed";
  }
  return "the power fails";
}

CrashOfCase CrashOf(const Case& saved, const Trace& trace, size_t begin,
                    const std::vector<AtomId>& lost) {
  std::optional<size_t> lies_from;
  if (!saved.fault.empty()) {
    DamageReader reader(trace);
    if (const Expected<Damage> damage = reader.Read(saved.fault, trace.ops.size()); damage) {
      lies_from = damage->lies_from;
    }
  }
  return {.trace = trace,
          .begin = begin,
          .lost = lost,
          .words = OperationWords(trace),
          .fates = FatesOf(trace, ModelOfFates(saved), saved.settings.tear, lost, lies_from),
          .lies = lies_from.has_value()};
}

std::string Ordinal(size_t number) {
  constexpr std::array<const char*, 7> kWords = {"first", "second", "third",  "fourth",
                                                 "fifth", "sixth",  "seventh"};
  return number < kWords.size() ? kWords[number] : fmt::format("crash number {}", number + 1);
}

std::vector<LostOperation> LostOperations(const CrashOfCase& crash) {
  std::vector<LostOperation> operations;
  for (size_t i = crash.begin; i < crash.fates.size(); ++i) {
    const FateOfOperation& fate = crash.fates[i];
    if (fate.lost.empty()) continue;
    operations.push_back({.number = i,
                          .transaction = TransactionAt(crash.trace, i),
                          .path = crash.words.PathOf(i),
                          .is_whole = fate.fate == OperationFate::kLost,
                          .ranges = fate.lost_ranges});
  }
  return operations;
}

std::string KeyText(bool is_there, uint32_t from) {
  if (is_there) {
    return from == 0 ? "a value that no transaction wrote"
                     : fmt::format("the value of transaction {}", from);
  }
  return from == 0 ? "absent" : fmt::format("absent (deleted by transaction {})", from);
}

void TellContents(const RecoveryWatch& watch, CaseExplanation& explanation) {
  if (!watch.difference) return;
  const ContentDifference& difference = *watch.difference;
  explanation.keys_differing = difference.count;
  explanation.expected_state =
      fmt::format("the contents after transaction {}", difference.expected_after);
  for (const KeyDifference& key : difference.keys) {
    explanation.keys.push_back({.key = key.key,
                                .found = KeyText(key.is_found, key.found_from),
                                .expected = KeyText(key.is_expected, key.expected_from)});
  }
}

// Tells what recovery did after the last crash.
Expected<void> TellRecovery(const Case& saved, const CrashOfCase& crash, const RecoveryWatch& watch,
                            CaseExplanation& explanation) {
  const Expected<Image> found = ImageOf(saved);
  if (!found) return std::unexpected(found.error());
  const Image issued = Materialise(crash.trace, crash.trace.ops.size(), {}, saved.settings.tear);
  const std::vector<LostOperation> lost = LostOperations(crash);
  EngineOptions options;
  const EngineType* type = nullptr;
  if (!saved.settings.target.empty()) {
    const Expected<Target> target = ParseTarget(saved.settings.target);
    if (!target) return std::unexpected(target.error());
    options = target->options;
    type = target->type;
  }
  const RecoveryStory story{.options = options,
                            .trace = crash.trace,
                            .issued = issued,
                            .found = *found,
                            .lost = lost,
                            .calls = watch.calls,
                            .shows = watch.shows};
  RecoverySteps steps;
  if (watch.is_seen) {
    steps = StepsOf(story);
    explanation.recovery = steps.lines;
    if (watch.is_cut) explanation.recovery.push_back("... and more that was not written down");
  }
  // An engine's words are about what a disk may lose, not about one that breaks its contract.
  std::string text;
  if (type != nullptr && saved.further.empty() && saved.fault.empty()) text = type->Retell(story);
  if (text.empty()) text = FoundText(story, watch.is_seen ? &steps : nullptr);
  const std::string outcome = OutcomeText(saved, watch);
  explanation.recovered = outcome.empty() ? text : text + " " + outcome;
  return {};
}

void TellFurther(const Case& saved, const ExplainSettings& settings, CaseExplanation& explanation) {
  for (size_t i = 0; i < saved.further.size(); ++i) {
    const FurtherCrash& further = saved.further[i];
    const CrashOfCase crash = CrashOf(saved, further.trace, further.begin, further.lost);
    explanation.lost +=
        fmt::format(" The recovery from it was under way when it crashed again. {}",
                    LossText(crash.trace, crash.words, crash.fates,
                             fmt::format("This {} crash", Ordinal(i + 1)), further.begin));
    std::vector<TimelineRow> rows = TimelineOf(
        crash.trace, crash.words, crash.fates,
        {.begin = further.begin,
         .most_rows = settings.operations,
         .missing = {},
         .crash = fmt::format("CRASH {}: {} again, in recovery", i + 2, CrashText(saved))});
    std::ranges::move(rows, std::back_inserter(explanation.timeline));
  }
}

bool MayLackSync(const Case& saved) {
  return saved.fault.empty() && saved.further.empty() && !saved.lost.empty();
}

Expected<CaseExplanation> ExplainCrash(const Case& saved, const ExplainSettings& settings,
                                       CaseExplanation explanation) {
  const Expected<const EngineType*> type = TypeOfTarget(saved.settings);
  if (!type) return std::unexpected(type.error());
  const Trace trace = LastTrace(saved);
  const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(trace, saved.settings, 1);
  if (!search) return std::unexpected(search.error());
  const Expected<RecoveryWatch> watch = (*search)->Watch({.position = trace.ops.size(),
                                                          .window = saved.window,
                                                          .lost = LastLost(saved),
                                                          .settings = saved.settings,
                                                          .fault = saved.fault,
                                                          .in_use = saved.in_use});
  if (!watch) return std::unexpected(watch.error());
  explanation.is_reproduced = watch->violation == saved.violation;
  if (!explanation.is_reproduced) {
    explanation.instead =
        watch->violation
            ? fmt::format("{}: {}", Name(watch->violation->violation), watch->violation->message)
            : "held";
  }
  SyncAdvice advice;
  if (explanation.is_reproduced && MayLackSync(saved)) {
    Expected<SyncAdvice> found = FindMissingSync(saved, **type, **search);
    if (!found) return std::unexpected(found.error());
    advice = *std::move(found);
  }
  const CrashOfCase crash = CrashOf(saved, saved.trace, 0, saved.lost);
  explanation.promised = PromiseText(saved);
  if (!saved.fault.empty()) explanation.lost = FaultText(saved) + " ";
  explanation.lost +=
      LossText(crash.trace, crash.words, crash.fates,
               saved.further.empty() ? "The crash" : "The first crash", 0, crash.lies);
  explanation.timeline =
      TimelineOf(crash.trace, crash.words, crash.fates,
                 {.begin = 0,
                  .most_rows = settings.operations,
                  .missing = advice.syncs,
                  .crash = saved.further.empty() ? "CRASH: " + CrashText(saved)
                                                 : "CRASH 1: " + CrashText(saved)});
  TellFurther(saved, settings, explanation);
  const FurtherCrash* last = saved.further.empty() ? nullptr : &saved.further.back();
  const CrashOfCase last_crash =
      CrashOf(saved, trace, last == nullptr ? 0 : last->begin, LastLost(saved));
  if (const Expected<void> told = TellRecovery(saved, last_crash, *watch, explanation); !told) {
    return std::unexpected(told.error());
  }
  TellContents(*watch, explanation);
  if (explanation.is_reproduced) {
    explanation.missing = MissingText(saved, crash.trace, crash.words, advice);
  }
  return explanation;
}

}  // namespace

Expected<CaseExplanation> Explain(const Case& saved, const ExplainSettings& settings) {
  CaseExplanation explanation{
      .id = saved.id,
      .target = saved.settings.target.empty() ? saved.settings.check : saved.settings.target,
      .model = ModelText(*saved.settings.model),
      .promise = saved.settings.promise,
      .violation = saved.violation.violation,
      .message = saved.violation.message,
      .transactions_acknowledged = saved.window.acknowledged,
      .transactions_attempted = saved.window.attempted};
  explanation.wrong = WrongText(saved);
  if (!saved.running_plan.empty()) {
    return ExplainFailingCalls(saved, settings.operations, std::move(explanation));
  }
  if (saved.while_recording) {
    return ExplainReaders(saved, settings.operations, std::move(explanation));
  }
  return ExplainCrash(saved, settings, std::move(explanation));
}

}  // namespace plugpull
