#include "harness/syncs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "faults/persistence/model_text.h"
#include "harness/sync_fix.h"
#include "harness/sync_sites.h"
#include "harness/sync_trials.h"
#include "harness/user_program.h"
#include "harness/version.h"

namespace plugpull {
namespace {

// Returns: a sync as a program calls it.
std::string_view CallName(OpKind kind) {
  if (kind == OpKind::kSync) return "fsync";
  if (kind == OpKind::kDataSync) return "fdatasync";
  if (kind == OpKind::kSyncDirectory) return "fsync of directory";
  if (kind == OpKind::kSyncWrite) return "synchronous write";
  if (kind == OpKind::kSyncMapped) return "msync";
  if (kind == OpKind::kSyncAll) return "sync";
  return Name(kind);
}

SyncUse UseOf(const std::vector<SyncVerdict>& without) {
  const auto is = [](Verdict verdict) {
    return [verdict](const SyncVerdict& each) { return each.verdict == verdict; };
  };
  if (std::ranges::any_of(without, is(Verdict::kViolated))) return SyncUse::kLoadBearing;
  const bool is_sure = std::ranges::all_of(without, [](const SyncVerdict& each) {
    return each.verdict == Verdict::kHeld && each.bound.empty();
  });
  return is_sure && !without.empty() ? SyncUse::kRedundant : SyncUse::kNotFound;
}

class SyncStudy {
 public:
  SyncStudy(const Trace& trace, const EngineType& type, const ExploreOptions& options,
            const OnSyncProgress& on_progress)
      : trace_(trace), type_(type), options_(options), trials_(trace, options, on_progress) {}

  Expected<SyncReport> Run() {
    Begin();
    const Expected<SyncTrial> base = trials_.Try("the run as it is", {}, {}, ".");
    if (!base) return std::unexpected(base.error());
    report_.models = base->models;
    report_.findings = base->damage;
    if (const Expected<void> done = AddMissing(*base); !done) return std::unexpected(done.error());
    Expected<SyncTrial> with = WithAdded(*base);
    if (!with) return std::unexpected(with.error());
    report_.with_missing = with->models;
    if (const Expected<void> done = JudgeFromFirstTransaction(*with); !done) {
      return std::unexpected(done.error());
    }
    report_.judged_with_missing = !added_.empty();
    for (const SyncVerdict& each : with->models) {
      if (each.verdict == Verdict::kHeld) judged_.insert(each.model);
    }
    if (const Expected<void> done = JudgePlaces(); !done) return std::unexpected(done.error());
    if (const Expected<void> done = JudgeTogether(); !done) return std::unexpected(done.error());
    trials_.Report(report_);
    return std::move(report_);
  }

 private:
  void Begin() {
    report_.version = kVersion;
    report_.commit = kCommit;
    report_.target = options_.settings.target;
    if (const auto door = trace_.facts.find("door"); door != trace_.facts.end()) {
      report_.door = door->second;
    }
    report_.seed = options_.settings.seed;
    report_.transactions = trace_.transactions.size();
    report_.tear = Name(options_.settings.tear);
    report_.promise = options_.settings.promise;
    report_.is_checked_by_command = !options_.settings.check.empty();
  }

  // Finds what the run lacks, by what `base` says of it, and adds that to what it is given.
  Expected<void> AddMissing(const SyncTrial& base) {
    Expected<SyncFix> fix = FindMissingSyncs(trials_, type_, base);
    if (!fix) return std::unexpected(fix.error());
    for (const NeededSync& needed : fix->needed) {
      const bool is_known = std::ranges::any_of(added_, [&](const SyncProposal& known) {
        return known.kind == needed.proposal.kind && known.added == needed.proposal.added;
      });
      if (is_known) continue;
      report_.missing.push_back(ToReport(needed));
      added_.push_back(needed.proposal);
    }
    if (report_.unhelped.empty()) report_.unhelped = std::move(fix->unhelped);
    return {};
  }

  Expected<SyncTrial> WithAdded(const SyncTrial& base) {
    return added_.empty() ? Expected<SyncTrial>(base) : trials_.TryAdded(added_);
  }

  // Making a store is where many an engine is weakest, and no sync helps there. That must not hide
  // what its commits are worth. Where crashes from the first transaction on leave more models
  // intact, they are what places are judged by, and `with` is what they leave.
  Expected<void> JudgeFromFirstTransaction(SyncTrial& with) {
    const auto held = [](const SyncTrial& trial) {
      return std::ranges::count(trial.models, Verdict::kHeld, &SyncVerdict::verdict);
    };
    const auto begin = std::ranges::find(trace_.ops, OpKind::kBegin, &Op::kind);
    const auto first = static_cast<size_t>(begin - trace_.ops.begin());
    if (report_.unhelped.empty() || first == 0 || first == trace_.ops.size()) return {};
    trials_.StartAt(first);
    const Expected<SyncTrial> base = trials_.Try("crashes in transactions", {}, {}, "");
    if (!base) return std::unexpected(base.error());
    const size_t found_before = added_.size();
    if (const Expected<void> done = AddMissing(*base); !done) return done;
    Expected<SyncTrial> from_there = WithAdded(*base);
    if (!from_there) return std::unexpected(from_there.error());
    if (held(*from_there) <= held(with)) {
      added_.erase(added_.begin() + static_cast<ptrdiff_t>(found_before), added_.end());
      report_.missing.resize(found_before);
      trials_.StartAt(0);
      return {};
    }
    report_.judged_from = first;
    report_.with_missing_from_there = from_there->models;
    with = *std::move(from_there);
    return {};
  }

  static MissingSync ToReport(const NeededSync& needed) {
    const SyncProposal& proposal = needed.proposal;
    return {.call = std::string(CallName(proposal.kind)),
            .thing = ThingText(proposal),
            .place = PlaceText(proposal),
            .executions = proposal.added.size(),
            .first_operation = proposal.first(),
            .models = needed.models,
            .removes = needed.removes};
  }

  // Returns: what a trial says of the models that hold with all syncs in place.
  std::vector<SyncVerdict> OfJudged(const SyncTrial& trial) const {
    std::vector<SyncVerdict> verdicts;
    std::ranges::copy_if(trial.models, std::back_inserter(verdicts),
                         [&](const SyncVerdict& each) { return judged_.contains(each.model); });
    return verdicts;
  }

  std::vector<SyncDamage> DamageOfJudged(const SyncTrial& trial) const {
    std::vector<SyncDamage> all;
    for (SyncDamage damage : trial.damage) {
      std::erase_if(damage.models,
                    [&](const std::string& model) { return !judged_.contains(model); });
      if (!damage.models.empty()) all.push_back(std::move(damage));
    }
    return all;
  }

  Expected<void> JudgePlaces() {
    sites_ = SyncSitesOf(trace_, type_);
    for (size_t i = 0; i < sites_.size(); ++i) {
      const SyncSite& site = sites_[i];
      SyncPlaceReport place{.call = std::string(CallName(site.kind)),
                            .role = site.role,
                            .frames = site.frames,
                            .place = site.place,
                            .executions = site.ops.size(),
                            .in_transactions = site.transactions,
                            .idle = IdleSyncs(trace_, *options_.settings.model, site.ops).size(),
                            .without = {},
                            .breaks = {}};
      report_.syncs += place.executions;
      if (!judged_.empty()) {
        const Expected<SyncTrial> trial =
            trials_.Try(fmt::format("without {} of {}", place.call, place.role), site.ops, added_,
                        fmt::format("cases/place-{}", i + 1));
        if (!trial) return std::unexpected(trial.error());
        place.without = OfJudged(*trial);
        place.breaks = DamageOfJudged(*trial);
        place.use = UseOf(place.without);
      }
      report_.places.push_back(std::move(place));
    }
    return {};
  }

  // What can go alone need not be able to go together with something else that can.
  Expected<void> JudgeTogether() {
    std::map<std::vector<size_t>, std::vector<std::string>> groups;
    for (const std::string& model : judged_) {
      std::vector<size_t> group;
      for (size_t i = 0; i < report_.places.size(); ++i) {
        const auto& without = report_.places[i].without;
        const auto found = std::ranges::find(without, model, &SyncVerdict::model);
        if (found == without.end()) continue;
        if (found->verdict == Verdict::kHeld && found->bound.empty()) group.push_back(i);
      }
      if (group.size() > 1) groups[group].push_back(model);
    }
    for (const auto& [group, unordered] : groups) {
      SpareSyncs spare{.places = group, .models = {}, .without = {}, .breaks = {}};
      std::vector<uint32_t> ops;
      for (const size_t i : group)
        ops.insert(ops.end(), sites_[i].ops.begin(), sites_[i].ops.end());
      std::ranges::sort(ops);
      const Expected<SyncTrial> trial =
          trials_.Try(fmt::format("without {} syncs together", group.size()), ops, added_,
                      fmt::format("cases/together-{}", report_.spare.size() + 1));
      if (!trial) return std::unexpected(trial.error());
      const auto is_of_group = [&, &models = unordered](const std::string& model) {
        return std::ranges::find(models, model) != models.end();
      };
      for (const SyncVerdict& each : trial->models) {
        if (!is_of_group(each.model)) continue;
        spare.models.push_back(each.model);
        spare.without.push_back(each);
      }
      for (SyncDamage damage : trial->damage) {
        std::erase_if(damage.models, [&](const std::string& model) { return !is_of_group(model); });
        if (!damage.models.empty()) spare.breaks.push_back(std::move(damage));
      }
      report_.spare.push_back(std::move(spare));
    }
    return {};
  }

  const Trace& trace_;
  const EngineType& type_;
  const ExploreOptions& options_;
  SyncTrials trials_;
  SyncReport report_;
  std::vector<SyncProposal> added_;
  std::set<std::string> judged_;  // models that hold in the run with what it lacks
  std::vector<SyncSite> sites_;
};

}  // namespace

Expected<SyncReport> FindSyncs(const Trace& trace, const ExploreOptions& options,
                               const OnSyncProgress& on_progress) {
  const Expected<const EngineType*> type = TypeOfTarget(options.settings);
  if (!type) return std::unexpected(type.error());
  return SyncStudy(trace, **type, options, on_progress).Run();
}

}  // namespace plugpull
