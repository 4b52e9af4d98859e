// Judges states of findings again, where a search cannot see what recovery reads and has to believe
// what programs say.
//
// Thread-safety: none; call while the search explores nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/findings.h"
#include "harness/point_search.h"

namespace plugpull {

// Returns: what asks `search` whether a state is violated, and says no once `goes_on` does.
FindingCollector::Confirm ConfirmOn(PointSearch& search, std::function<bool()> goes_on);

// Judges the reproduction of each finding a few times more.
// Returns: the signatures of those that did not fail alike each time.
// Errors: those of PointSearch::Replay.
Expected<std::vector<std::string>> FindingsThatVary(PointSearch& search,
                                                    const FindingCollector& collector,
                                                    const std::function<bool()>& goes_on);

}  // namespace plugpull
