// What a check command reads: the lines that were acknowledged. Of a program of the user's they are
// what it printed; of a workload of ours, the numbers of its transactions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "faults/trace/trace.h"
#include "harness/explore_settings.h"

namespace plugpull {

class CheckInput {
 public:
  CheckInput(const Trace& trace, const ExploreSettings& settings);

  // Returns: the lines of the first `acknowledged` transactions, each with its end.
  std::string_view Lines(uint32_t acknowledged) const;

 private:
  std::string text_;
  std::vector<size_t> ends_;  // of each line
};

// Tries a check before anything is explored: it must find what the program left without a crash
// consistent. Returns: what is to be said about a check that may never fail, one line each.
// Errors: kTargetFailed: it does not; what starting it says.
Expected<std::vector<std::string>> DoubtsOf(const Trace& trace, const ExploreSettings& settings);

}  // namespace plugpull
