// Explores edits of one trace for syncs.h: one budget for all of them, no question asked twice.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "harness/explore.h"
#include "harness/missing_syncs.h"
#include "harness/sync_edits.h"
#include "harness/sync_proposals.h"
#include "harness/syncs.h"

namespace plugpull {

// What exploring one edit showed.
struct SyncTrial {
  std::vector<SyncVerdict> models;       // those that were asked about, weakest first
  std::vector<SyncDamage> damage;        // the worst first
  std::vector<BrokenState> states;       // in terms of the trace that was edited; for each damage
                                         // that a crash state alone shows
  std::vector<size_t> damage_of_states;  // index in `damage`, for each state
};

// Returns: what the trial says of a model. Requires: it was asked about.
const SyncVerdict& VerdictOf(const SyncTrial& trial, const std::string& model);

class SyncTrials {
 public:
  SyncTrials(const Trace& trace, const ExploreOptions& options, const OnSyncProgress& on_progress);

  // Explores the trace with these edits under all models that were asked about, or under `only`.
  // Cases are written to `directory` below out_directory; empty: they are not kept.
  Expected<SyncTrial> Try(const std::string& question, const std::vector<uint32_t>& removed,
                          const std::vector<SyncProposal>& added, const std::string& directory,
                          const Model* only = nullptr);

  // The same for added syncs alone, under all models, remembered; no case is kept.
  Expected<SyncTrial> TryAdded(const std::vector<SyncProposal>& added);

  // From now on only crashes from this position of the trace on are explored.
  void StartAt(size_t position) {
    first_position_ = position;
    known_.clear();
  }

  // Once true, every trial says unknown.
  bool stopped() const { return interrupted_ || out_of_budget_; }
  // Fills in what all trials have in common.
  void Report(SyncReport& report) const;

  const Trace& trace() const { return trace_; }
  const ExploreOptions& options() const { return options_; }

 private:
  Expected<void> ReadStates(const Result& result, const EditedTrace& edited,
                            const std::string& directory, SyncTrial& trial);

  const Trace& trace_;
  const ExploreOptions& options_;
  const OnSyncProgress& on_progress_;
  std::chrono::steady_clock::time_point started_;
  std::map<std::vector<size_t>, SyncTrial> known_;  // by the places of what was added
  size_t first_position_ = 0;
  uint64_t explorations_ = 0;
  uint64_t recoveries_ = 0;
  bool interrupted_ = false;
  bool out_of_budget_ = false;
};

}  // namespace plugpull
