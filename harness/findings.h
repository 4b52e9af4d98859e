// Gathers violations into findings: one for each signature, with its smallest reproduction.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "faults/inject/damage.h"
#include "harness/case_file.h"
#include "harness/crash_state.h"
#include "harness/explore_settings.h"
#include "harness/further_crashes.h"
#include "harness/minimise_list.h"
#include "harness/point_explorer.h"
#include "harness/point_search.h"
#include "reports/result.h"

namespace plugpull {

// A finding before it is written down: the reproduction is still a list of choices.
struct FindingDraft {
  std::string signature;
  std::vector<std::string> kinds;  // of what is lost, sorted
  Violation violation;
  ExploreSettings settings;  // those under which it was found
  ChosenState state;
  CompleteState complete;
  std::vector<FurtherCrash> further = {};  // the crashes after the first, each in recovery
  Window window;
  FaultLevel level = FaultLevel::kTornWrite;
  std::string fault = {};  // what happened beyond the disk's contract, as an instance; or empty
  uint64_t count = 0;
  std::optional<MinimisedFrom> minimised = {};  // what its state was when it was found
  // Of all violations of the signature that were seen: the models that admit one of them.
  std::set<std::string> models;
  std::set<std::string> contract_models;  // those of which only the contract does
};

class FindingCollector {
 public:
  // Judges a complete crash state of a model. Returns: whether it is violated as `kind` says.
  using Confirm = std::function<bool(const ChosenState& state, const CompleteState& complete,
                                     const Window& window, ViolationClass kind,
                                     const ExploreSettings& settings)>;

  // Requires: everything referred to outlives the collector.
  FindingCollector(const Trace& trace, const EngineType& type);

  // Where nobody saw what recovery reads, a violation says of a few complete states only that they
  // are violated. A model that admits none of those is a label once `confirm` has seen a state of
  // its own violated. Not set: it is no label.
  void ConfirmWith(Confirm confirm) { confirm_ = std::move(confirm); }

  // Drops every finding that another one of its class explains: one that loses fewer kinds of
  // things, under no stronger a fault and on every model. Its count goes to the other.
  void Fold();

  // Makes the reproduction of each finding lose no more than it must (minimise_state.h), signs it
  // by what is then lost, and puts those of one signature together, so that signatures depend less
  // on what a search came upon first. `most_tests`: for each. Call once, before Fold.
  // Errors: those of PointSearch::Replay.
  Expected<void> MinimiseStates(PointSearch& search, uint64_t most_tests,
                                const std::function<bool()>& goes_on);

  // The same for one draft. Returns: whether it was possible; else it is as before.
  Expected<bool> MinimiseState(PointSearch& search, FindingDraft& draft, TestLimit& limit);

  // From now on models are not told apart: findings have none.
  void LeaveOutModels() { labels_models_ = false; }

  // Takes in the violations of a point. Call in the same order for the same run: ties between
  // reproductions of equal size go to the first.
  void Add(const PointResult& result, const ExploreSettings& settings);

  // Forgets a finding.
  void Drop(const std::string& signature) { drafts_.erase(signature); }

  bool empty() const { return drafts_.empty(); }

  // By signature.
  const std::map<std::string, FindingDraft>& drafts() const { return drafts_; }

  // Returns: the names of all models that admit some violation that was seen.
  std::set<std::string> ModelsSeen() const;

  // Returns: the findings, those that break the weakest promises first, without their case files.
  std::vector<Finding> Findings();

 private:
  // How often a model was asked about violations of one signature.
  struct Asked {
    std::map<std::string, uint32_t> observed;
    std::map<std::string, uint32_t> contract;
    std::map<std::string, uint32_t> confirmed;
  };

  // What was violated at a point.
  struct Evidence {
    ChosenState found;
    // Complete states that were seen to be violated. Empty: all that agree with `found` are.
    std::vector<ChosenState> seen = {};
    Window window = {};
    ViolationClass kind = ViolationClass::kCheckFailed;
    ExploreSettings settings = {};
  };

  void AddDamaged(const PointResult& result, const ExploreSettings& settings);
  bool AddIfLegal(const PointResult& result, const PointViolation& violation,
                  const ExploreSettings& settings, ChosenState found);
  void AddLegal(const PointResult& result, const PointViolation& violation,
                const ExploreSettings& settings, const ChosenState& found);
  // Says what the draft is by what it loses: its kinds and its signature.
  // Requires: it has no further crashes.
  void Sign(FindingDraft& draft) const;
  std::vector<std::string> DamagedKinds(const FindingDraft& draft) const;
  // Weakens the level and the settings of a draft whose state is complete to what reaches it.
  void Weaken(FindingDraft& draft);
  void Join(FindingDraft draft);
  void Merge(FindingDraft draft, const Evidence& evidence, FurtherInspector& further);
  void Label(const Evidence& evidence, FurtherInspector& further, FindingDraft& draft);
  // Returns: whether a state of `model` was seen to be violated as the evidence says.
  bool IsViolatedUnder(const Evidence& evidence, const Model& model, uint32_t& confirmed);

  const Trace& trace_;
  const EngineType& type_;
  DamageReader damage_reader_;
  StateInspector inspector_;
  Confirm confirm_;
  bool labels_models_ = true;
  std::optional<FailedSync> failed_sync_;  // what the run has seen of one
  std::string signature_end_;              // of a run in which calls failed
  std::map<std::string, FindingDraft> drafts_;
  std::map<std::string, Asked> asked_;  // by signature
};

// Returns: the model and the tear that stand for a level in a search with `settings`.
std::pair<const Model*, Tear> MeansOf(FaultLevel level, const ExploreSettings& settings);

// Returns: true when `less` is the better reproduction: a weaker fault, fewer transactions, less
// lost, earlier.
bool IsSmaller(const FindingDraft& less, const FindingDraft& more);

// Returns: a short name for a signature: its class and eight digits.
std::string FindingId(const FindingDraft& draft);

}  // namespace plugpull
