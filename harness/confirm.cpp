#include "harness/confirm.h"

#include <utility>

namespace plugpull {
namespace {

constexpr int kMoreLooks = 4;

}  // namespace

FindingCollector::Confirm ConfirmOn(PointSearch& search, std::function<bool()> goes_on) {
  return [&search, goes_on = std::move(goes_on)](
             const ChosenState& state, const CompleteState& complete, const Window& window,
             ViolationClass kind, const ExploreSettings& settings) {
    if (!goes_on()) return false;
    const Expected<std::optional<Violation>> seen = search.Replay({.position = state.position,
                                                                   .window = window,
                                                                   .lost = complete.lost,
                                                                   .settings = settings});
    return seen && *seen && (*seen)->violation == kind;
  };
}

Expected<std::vector<std::string>> FindingsThatVary(PointSearch& search,
                                                    const FindingCollector& collector,
                                                    const std::function<bool()>& goes_on) {
  std::vector<std::string> varying;
  for (const auto& [signature, draft] : collector.drafts()) {
    const ViolationClass kind = draft.violation.violation;
    // What hangs takes its time.
    const int looks = kind == ViolationClass::kHangOnOpen ? 1 : kMoreLooks;
    for (int look = 0; look < looks && goes_on(); ++look) {
      const Expected<std::optional<Violation>> seen =
          search.Replay({.position = draft.state.position,
                         .window = draft.window,
                         .lost = draft.complete.lost,
                         .settings = draft.settings,
                         .fault = draft.fault});
      if (!seen) return std::unexpected(seen.error());
      if (*seen && (*seen)->violation == kind) continue;
      varying.push_back(signature);
      break;
    }
  }
  return varying;
}

}  // namespace plugpull
