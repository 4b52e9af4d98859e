#include "harness/sync_fix.h"

#include <algorithm>
#include <utility>

#include "faults/base/assert.h"
#include "faults/persistence/model_text.h"
#include "harness/missing_syncs.h"

namespace plugpull {
namespace {

// Sets of syncs that are explored under one model before giving up.
constexpr size_t kMostRounds = 40;

constexpr const char* kNothingLost =
    "nothing was lost: it is there though all that was issued is on disk";
constexpr const char* kInRecovery =
    "it takes a crash in recovery, whose calls are not among those of the run";
constexpr const char* kNothingToCover =
    "no sync of what was lost, anywhere before the crash, makes it impossible";
constexpr const char* kGaveUp = "no set of syncs was found with which it holds";

class FixSearch {
 public:
  FixSearch(SyncTrials& trials, const EngineType& type, const SyncTrial& base)
      : trials_(trials), type_(type), base_(base) {}

  Expected<SyncFix> Run() {
    for (const Model* model : AskedModels()) {
      if (trials_.stopped()) break;
      const std::string name = ModelText(*model);
      if (VerdictOf(base_, name).verdict != Verdict::kViolated) continue;
      Expected<bool> is_held = !found_.empty() ? IsHeld(found_, name) : Expected<bool>(false);
      if (!is_held) return std::unexpected(is_held.error());
      std::vector<SyncProposal> needed = found_;
      if (!*is_held) {
        Expected<std::vector<SyncProposal>> fixed = FixUnder(*model);
        if (!fixed) return std::unexpected(fixed.error());
        needed = *std::move(fixed);
        is_held = !needed.empty() ? IsHeld(needed, name) : Expected<bool>(false);
        if (!is_held) return std::unexpected(is_held.error());
        if (*is_held) {
          if (const Expected<void> done = UseDataSyncs(needed); !done) {
            return std::unexpected(done.error());
          }
          found_ = needed;
        }
      }
      if (*is_held) {
        if (const Expected<void> done = Prune(needed, name); !done) {
          return std::unexpected(done.error());
        }
      }
      for (const SyncProposal& proposal : needed) Need(proposal, name, *model);
    }
    return std::move(fix_);
  }

 private:
  std::vector<const Model*> AskedModels() const {
    std::vector<const Model*> models;
    if (!trials_.options().all_models) return {trials_.options().settings.model};
    for (const Model& model : Models()) models.push_back(&model);
    return models;
  }

  Expected<bool> IsHeld(const std::vector<SyncProposal>& added, const std::string& model) {
    const Expected<SyncTrial> trial = trials_.TryAdded(added);
    if (!trial) return std::unexpected(trial.error());
    return VerdictOf(*trial, model).verdict == Verdict::kHeld;
  }

  MissingSyncSearch SearchUnder(const Model& model) const {
    const ExploreSettings& settings = trials_.options().settings;
    const bool is_about_acknowledgements =
        settings.promise == Promise::kDurable || !settings.check.empty();
    return {trials_.trace(), type_, model, is_about_acknowledgements};
  }

  Expected<std::vector<SyncProposal>> FixUnder(const Model& model) {
    MissingSyncSearch search = SearchUnder(model);
    AddStates(base_, model, search);
    std::vector<SyncProposal> chosen;
    for (size_t round = 0; round < kMostRounds; ++round) {
      chosen = search.Choose();
      // A model may admit none of the states that were found, and have others of its own.
      if (chosen.empty() && (round > 0 || !trials_.options().all_models)) return chosen;
      const Expected<SyncTrial> trial = trials_.Try(
          "with syncs added", {}, chosen, "", trials_.options().all_models ? &model : nullptr);
      if (!trial) return std::unexpected(trial.error());
      if (trial->models.front().verdict != Verdict::kViolated) return chosen;
      if (AddStates(*trial, model, search) == 0) return chosen;
    }
    if (!base_.damage.empty()) {
      AddUnhelped(base_.damage.front(), model, kGaveUp);
    }
    return chosen;
  }

  // Returns: how many states were new to the search, and can be helped.
  size_t AddStates(const SyncTrial& trial, const Model& model, MissingSyncSearch& search) {
    size_t added = 0;
    for (size_t i = 0; i < trial.states.size(); ++i) {
      const SyncHelp help = search.Add(trial.states[i]);
      if (help == SyncHelp::kNew) ++added;
      if (help != SyncHelp::kNothing) continue;
      AddUnhelped(trial.damage[trial.damage_of_states[i]], model,
                  trial.states[i].in_recovery    ? kInRecovery
                  : trial.states[i].lost.empty() ? kNothingLost
                                                 : kNothingToCover);
    }
    return added;
  }

  void AddUnhelped(const SyncDamage& damage, const Model& model, const std::string& why) {
    const auto known = std::ranges::find_if(fix_.unhelped, [&](const UnhelpedDamage& unhelped) {
      return unhelped.damage.id == damage.id && unhelped.why == why;
    });
    if (known == fix_.unhelped.end()) {
      fix_.unhelped.push_back({damage, {ModelText(model)}, why});
    } else if (known->models.back() != ModelText(model)) {
      known->models.push_back(ModelText(model));
    }
  }

  // An fdatasync is cheaper, where it is enough for every model for which an fsync is.
  Expected<void> UseDataSyncs(std::vector<SyncProposal>& proposals) {
    for (size_t i = 0; i < proposals.size(); ++i) {
      if (proposals[i].kind != OpKind::kSync) continue;
      const Expected<SyncTrial> with = trials_.TryAdded(proposals);
      if (!with) return std::unexpected(with.error());
      std::vector<SyncProposal> cheaper = proposals;
      cheaper[i].kind = OpKind::kDataSync;
      for (AddedSync& added : cheaper[i].added) added.op.kind = OpKind::kDataSync;
      const Expected<SyncTrial> with_cheaper = trials_.TryAdded(cheaper);
      if (!with_cheaper) return std::unexpected(with_cheaper.error());
      if (with_cheaper->models == with->models) proposals = std::move(cheaper);
    }
    return {};
  }

  // Takes out what the model does not need, one after the other: directories first, for a sync of
  // the file that is written is the usual one.
  Expected<void> Prune(std::vector<SyncProposal>& proposals, const std::string& model) {
    std::vector<SyncProposal> order = proposals;
    std::ranges::stable_partition(order, [](const SyncProposal& proposal) {
      return proposal.kind == OpKind::kSyncDirectory;
    });
    for (const SyncProposal& spare : order) {
      if (proposals.size() == 1) break;
      std::vector<SyncProposal> fewer = proposals;
      std::erase_if(fewer, [&](const SyncProposal& proposal) {
        return proposal.kind == spare.kind && proposal.added == spare.added;
      });
      const Expected<bool> is_held = IsHeld(fewer, model);
      if (!is_held) return std::unexpected(is_held.error());
      if (*is_held) proposals = std::move(fewer);
    }
    return {};
  }

  void Need(const SyncProposal& proposal, const std::string& name, const Model& model) {
    const auto known = std::ranges::find_if(fix_.needed, [&](const NeededSync& needed) {
      return needed.proposal.kind == proposal.kind && needed.proposal.added == proposal.added;
    });
    if (known != fix_.needed.end()) {
      known->models.push_back(name);
      return;
    }
    NeededSync needed{.proposal = proposal, .models = {name}, .removes = {}};
    MissingSyncSearch search = SearchUnder(model);
    for (size_t i = 0; i < base_.states.size(); ++i) {
      if (!search.Prevents({proposal}, base_.states[i])) continue;
      needed.removes.push_back(base_.damage[base_.damage_of_states[i]].id);
    }
    fix_.needed.push_back(std::move(needed));
  }

  SyncTrials& trials_;
  const EngineType& type_;
  const SyncTrial& base_;
  std::vector<SyncProposal> found_;  // with which a model holds; weaker ones need no less
  SyncFix fix_;
};

}  // namespace

Expected<SyncFix> FindMissingSyncs(SyncTrials& trials, const EngineType& type,
                                   const SyncTrial& base) {
  return FixSearch(trials, type, base).Run();
}

}  // namespace plugpull
