#include "harness/recoverability_survey.h"

#include <algorithm>

#include "engine/repair.h"

namespace plugpull {

Expected<void> RecoverabilitySurvey::Add(PointSearch& search, const PointResult& result,
                                         const ExploreSettings& settings) {
  if (type_.repairs().empty() || result.violations.empty()) return {};
  ChosenState state{.position = result.position,
                    .tear = EffectiveTear(*settings.model, settings.tear),
                    .chosen = {}};
  if (!result.fault.empty()) {
    const Expected<Damage> damage = damage_reader_.Read(result.fault, result.position);
    if (!damage) return std::unexpected(damage.error());
    state.lies_from = damage->lies_from;
  }
  ReplayTask task{.position = result.position,
                  .window = result.window,
                  .lost = {},
                  .settings = settings,
                  .fault = result.fault};
  task.settings.tear = state.tear;
  for (const PointViolation& violation : result.violations) {
    if (!violation.cuts.empty()) continue;
    state.chosen = violation.chosen;
    task.lost = inspector_.Complete(state, *settings.model).lost;
    const Expected<Recoverability> found = search.Classify(task);
    if (!found) return std::unexpected(found.error());
    RecoverabilityTally& tally = tallies_[found->name];
    tally.name = found->name;
    ++tally.images;
    tally.transactions_lost += found->transactions_lost;
    tally.keys_lost += found->keys_lost;
    tally.keys += found->keys;
    for (const std::string_view repair : found->cures) ++cures_[repair];
  }
  return {};
}

Expected<std::string> RecoverabilitySurvey::Of(PointSearch& search,
                                               const FindingDraft& draft) const {
  if (type_.repairs().empty() || !draft.further.empty()) return std::string();
  const Expected<Recoverability> found = search.Classify({.position = draft.state.position,
                                                          .window = draft.window,
                                                          .lost = draft.complete.lost,
                                                          .settings = draft.settings,
                                                          .fault = draft.fault});
  if (!found) return std::unexpected(found.error());
  return found->Text();
}

void RecoverabilitySurvey::Report(Result& result) const {
  if (tallies_.empty()) return;
  for (const auto& [name, tally] : tallies_) result.recoverability.push_back(tally);
  std::ranges::stable_sort(result.recoverability, std::greater(), &RecoverabilityTally::images);
  for (const Repair& repair : type_.repairs()) {
    const auto known = cures_.find(repair.name);
    result.repairs.push_back(
        {.repair = std::string(repair.name), .cures = known == cures_.end() ? 0 : known->second});
  }
}

}  // namespace plugpull
