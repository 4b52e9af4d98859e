// Progress of a search: one repainted line on a terminal, a plain line every ten seconds elsewhere.
// Also turns SIGINT and SIGTERM into a polite request to stop.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "harness/explore.h"

namespace plugpull {

class ProgressDisplay {
 public:
  ProgressDisplay(std::string title, bool quiet);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // Shows where the search is. Returns: false once the user asked to stop.
  bool Show(const ExploreProgress& progress);

  void SetTitle(std::string title) { title_ = std::move(title); }

  // Returns: true once the user asked to stop.
  static bool StopRequested();

  // Wipes what was painted.
  void Finish();

 private:
  std::string title_;
  bool quiet_;
  bool terminal_;
  bool painted_ = false;
  std::chrono::steady_clock::time_point last_;
};

// Returns: true when colours may be written to this descriptor (NO_COLOR is honoured).
bool ColorsWanted(int descriptor);

}  // namespace plugpull
