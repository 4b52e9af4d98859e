// Findings by the smallest state that shows them. The rest of FindingCollector is in findings.cpp.
#include <algorithm>
#include <utility>

#include "harness/findings.h"
#include "harness/minimise.h"
#include "harness/minimise_state.h"

namespace plugpull {
namespace {

// A smaller state may be reached by a weaker fault, under which one smaller still is legal.
constexpr int kMostRounds = 3;

ViolatedState StateOf(const FindingDraft& draft) {
  return {.position = draft.state.position,
          .window = draft.window,
          .lost = draft.complete.lost,
          .settings = draft.settings,
          .fault = draft.fault,
          .violation = draft.violation};
}

}  // namespace

void FindingCollector::Weaken(FindingDraft& draft) {
  if (!draft.fault.empty()) return;
  const FaultLevel level = inspector_.WeakestLevel(draft.state, *draft.settings.model);
  if (level >= draft.level) return;
  draft.level = level;
  const auto [model, tear] = MeansOf(level, draft.settings);
  draft.state = inspector_.Weaken(draft.state, *model, tear);
  draft.settings.model = model;
  draft.settings.tear = draft.state.tear;
  draft.complete = inspector_.Complete(draft.state, *model);
}

Expected<bool> FindingCollector::MinimiseState(PointSearch& search, FindingDraft& draft,
                                               TestLimit& limit) {
  // What crashed again in recovery depends on more than what is lost, and what shows a symptom is
  // not known by its class.
  if (!draft.further.empty() || !draft.settings.symptom.empty()) return false;
  FindingDraft smaller = draft;
  if (!draft.fault.empty()) {
    const Expected<Damage> damage = damage_reader_.Read(draft.fault, draft.state.position);
    if (!damage) return std::unexpected(damage.error());
    smaller.state.lies_from = damage->lies_from;  // a draft that was made of a case does not say
  }
  const auto take = [&](ViolatedState state) {
    smaller.violation = std::move(state.violation);
    smaller.state.chosen = std::move(state.chosen);
    smaller.state.tear = EffectiveTear(*smaller.settings.model, smaller.settings.tear);
    smaller.complete = inspector_.Complete(smaller.state, *smaller.settings.model);
    Weaken(smaller);
  };
  bool is_minimal = false;
  for (int round = 0; round < kMostRounds; ++round) {
    const FaultLevel level = smaller.level;
    Expected<std::optional<ViolatedState>> state =
        plugpull::MinimiseState(trace_, search, StateOf(smaller), limit);
    if (!state) return std::unexpected(state.error());
    if (!*state) break;
    is_minimal = (*state)->is_minimal;
    take(std::move(**state));
    if (smaller.level < level) continue;
    if (level != FaultLevel::kTornWrite) break;
    state = MakeWhole(trace_, search, StateOf(smaller), limit);
    if (!state) return std::unexpected(state.error());
    if (!*state) break;
    FindingDraft whole = smaller;
    std::swap(whole, smaller);
    take(std::move(**state));
    if (smaller.level < level) continue;
    std::swap(whole, smaller);
    break;
  }
  if (smaller.fault.empty()) {
    // What was to be written after the crash is not lost; what is left may be lost for nothing now.
    Expected<std::optional<ViolatedState>> state =
        CrashBeforeLosses(trace_, search, StateOf(smaller), limit);
    if (state && *state) {
      smaller.state.position = (*state)->position;
      smaller.window = (*state)->window;
      take(std::move(**state));
      state = plugpull::MinimiseState(trace_, search, StateOf(smaller), limit);
      is_minimal = state && *state && (*state)->is_minimal;
    }
    if (!state) return std::unexpected(state.error());
    if (*state) take(std::move(**state));
  }
  if (!is_minimal && smaller.complete.lost.size() >= draft.complete.lost.size()) return false;
  Sign(smaller);
  smaller.minimised =
      MinimisedFrom{.before = SizeOf(std::span(trace_.transactions).first(draft.window.attempted),
                                     draft.complete.lost, draft.further),
                    .is_minimal = is_minimal,
                    .bound = is_minimal ? "" : limit.bound()};
  draft = std::move(smaller);
  return true;
}

// Adds a draft to those of its signature, of which the smallest is kept.
void FindingCollector::Join(FindingDraft draft) {
  const auto [position, is_new] = drafts_.try_emplace(draft.signature, draft);
  if (is_new) return;
  FindingDraft& known = position->second;
  const uint64_t count = known.count + draft.count;
  if (IsSmaller(draft, known)) std::swap(known, draft);
  known.count = count;
  known.models.merge(draft.models);
  known.contract_models.merge(draft.contract_models);
  for (const std::string& model : known.models) known.contract_models.erase(model);
}

Expected<void> FindingCollector::MinimiseStates(PointSearch& search, uint64_t most_tests,
                                                const std::function<bool()>& goes_on) {
  const std::vector<RecoveryCut> no_cuts;
  const std::map<std::string, FindingDraft> found = std::exchange(drafts_, {});
  for (const auto& [signature, as_found] : found) {
    FindingDraft draft = as_found;
    TestLimit limit(most_tests, goes_on);
    const Expected<bool> is_smaller = MinimiseState(search, draft, limit);
    if (!is_smaller) return std::unexpected(is_smaller.error());
    if (*is_smaller && labels_models_) {
      FurtherInspector further(no_cuts, type_, draft.state.tear);
      const Evidence evidence{.found = draft.state,
                              .seen = {draft.state},
                              .window = draft.window,
                              .kind = draft.violation.violation,
                              .settings = draft.settings};
      asked_.erase(draft.signature);
      Label(evidence, further, draft);
    }
    Join(std::move(draft));
  }
  return {};
}

}  // namespace plugpull
