// What a fault beyond the disk's contract did. The rest of FindingCollector is in findings.cpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "faults/base/assert.h"
#include "faults/inject/fault_type.h"
#include "harness/findings.h"
#include "harness/role_patterns.h"

namespace plugpull {
namespace {

constexpr FaultForm kForm = FaultForm::kInstance;

// Returns: the choices about pieces of writes that were lost.
std::vector<AtomId> LostPieces(const ChosenState& state) {
  std::vector<AtomId> lost;
  for (const auto& [atom, kept] : state.chosen) {
    if (!kept && atom.kind == AtomKind::kData) lost.push_back(atom);
  }
  return lost;
}

}  // namespace

// A crash that was searched for lies and cuts leaves states as well that need none of them: those
// are findings like any other.
bool FindingCollector::AddIfLegal(const PointResult& result, const PointViolation& violation,
                                  const ExploreSettings& settings, ChosenState found) {
  found.lies_from.reset();
  std::vector<Tear> tears = {found.tear};
  if (IsSubSector(found.tear)) tears = {Tear::kSectorsContiguous, Tear::kSectorsAny};
  for (const Tear tear : tears) {
    if (!inspector_.Admits(found, *settings.model, tear)) continue;
    ExploreSettings legal = settings;
    legal.tear = tear;
    AddLegal(result, violation, legal, inspector_.Weaken(found, *settings.model, tear));
    return true;
  }
  return false;
}

// What the faults of a draft did to files of which roles.
std::vector<std::string> FindingCollector::DamagedKinds(const FindingDraft& draft) const {
  const Expected<FaultCalls> calls = ParseFaults(draft.fault, kForm);
  Assert(calls.has_value(), "what was explored is an instance");
  std::set<std::string> kinds;
  for (const FaultCall& call : *calls) {
    std::vector<std::string> roles;
    switch (TypeOf(call).scope) {
      case FaultScope::kCrash:
        break;
      case FaultScope::kSyncs:
        roles = inspector_.Roles(draft.complete.lost);
        break;
      case FaultScope::kTear:
        roles = inspector_.Roles(LostPieces(draft.state));
        break;
      case FaultScope::kPages:
        roles = {TraceRoles(trace_, type_).Of(TextOf(call, kForm, "file"))};
        break;
    }
    for (const std::string& role : roles) {
      kinds.insert(fmt::format("{}({})", Name(call.level), role));
    }
    if (roles.empty()) kinds.insert(std::string(Name(call.level)));
  }
  return {kinds.begin(), kinds.end()};
}

void FindingCollector::AddDamaged(const PointResult& result, const ExploreSettings& settings) {
  if (result.violations.empty()) return;
  const Expected<FaultCalls> calls = ParseFaults(result.fault, kForm);
  const Expected<Damage> damage = damage_reader_.Read(result.fault, result.position);
  Assert(calls.has_value() && damage.has_value(), "what was explored is an instance");
  for (const PointViolation& violation : result.violations) {
    const ChosenState found{.position = result.position,
                            .tear = EffectiveTear(*settings.model, settings.tear),
                            .chosen = violation.chosen,
                            .lies_from = damage->lies_from};
    if (damage->patches.empty() && AddIfLegal(result, violation, settings, found)) continue;
    FindingDraft draft;
    draft.violation = violation.violation;
    draft.settings = settings;
    draft.settings.tear = found.tear;
    draft.state = found;
    draft.window = result.window;
    draft.count = 1;
    draft.fault = result.fault;
    draft.complete = inspector_.Complete(found, *settings.model);
    for (const FaultCall& call : *calls) draft.level = std::max(draft.level, call.level);
    Sign(draft);
    // Nothing crashes in recovery where a disk did damage (fault_search.cpp).
    FurtherInspector further(violation.cuts, type_, found.tear);
    Merge(std::move(draft), {.found = found, .settings = settings}, further);
  }
}

}  // namespace plugpull
