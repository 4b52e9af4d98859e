#include "harness/findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "faults/base/assert.h"
#include "faults/inject/fault_type.h"
#include "faults/persistence/materialise.h"
#include "harness/error_run.h"

namespace plugpull {
namespace {

// Smaller is better: a weaker fault, fewer transactions, less lost, earlier.
auto Size(const FindingDraft& draft) {
  return std::tuple(draft.level, draft.window.attempted, draft.complete.lost.size(),
                    draft.state.position);
}

// A report is read by people; a state that loses thousands of writes is described by its case.
constexpr size_t kMostLines = 500;

// A model that denied this many violations of one kind denies, in all likelihood, the next one too.
constexpr uint32_t kMostQuestions = 64;

// So many violations of a signature are tried on a model before it is taken not to show it.
constexpr uint32_t kMostConfirmations = 6;

bool DamagesPages(const std::string& fault) {
  if (fault.empty()) return false;
  const Expected<FaultCalls> calls = ParseFaults(fault, FaultForm::kInstance);
  Assert(calls.has_value(), "what was explored is an instance");
  return std::ranges::any_of(
      *calls, [](const FaultCall& call) { return TypeOf(call).scope == FaultScope::kPages; });
}

void Shorten(std::vector<std::string>& lines) {
  if (lines.size() <= kMostLines) return;
  const size_t more = lines.size() - kMostLines;
  lines.resize(kMostLines);
  lines.push_back(fmt::format("and {} more", more));
}

}  // namespace

std::pair<const Model*, Tear> MeansOf(FaultLevel level, const ExploreSettings& settings) {
  switch (level) {
    case FaultLevel::kProcessKill:
      return {FindModel("process-kill"), Tear::kNone};
    case FaultLevel::kPowerCutOrdered:
      return {FindModel("ordered"), Tear::kNone};
    case FaultLevel::kPowerCut:
      return {settings.model, Tear::kNone};
    case FaultLevel::kTornWrite:
    case FaultLevel::kLyingFlush:
    case FaultLevel::kStalePage:
    case FaultLevel::kMisdirectedWrite:
    case FaultLevel::kZeroedPage:
    case FaultLevel::kSubSectorTear:
    case FaultLevel::kBitRot:
      return {settings.model, settings.tear};
  }
  return {settings.model, settings.tear};
}

bool IsSmaller(const FindingDraft& less, const FindingDraft& more) {
  return Size(less) < Size(more);
}

FindingCollector::FindingCollector(const Trace& trace, const EngineType& type)
    : trace_(trace),
      type_(type),
      damage_reader_(trace),
      inspector_(trace, type),
      failed_sync_(FailedSyncOf(trace)) {
  const auto kind = trace.facts.find("error_kind");
  if (kind != trace.facts.end()) signature_end_ = " after " + kind->second;
}

bool FindingCollector::IsViolatedUnder(const Evidence& evidence, const Model& model,
                                       uint32_t& confirmed) {
  const Tear tear = EffectiveTear(model, evidence.found.tear);
  const auto is_admitted = [&](const ChosenState& state) {
    return inspector_.Admits(state, model, state.tear);
  };
  if (evidence.seen.empty() || std::ranges::any_of(evidence.seen, is_admitted)) return true;
  if (confirm_ == nullptr || confirmed >= kMostConfirmations) return false;
  ++confirmed;
  ExploreSettings settings = evidence.settings;
  settings.model = &model;
  settings.tear = tear;
  const ChosenState state = inspector_.Weaken(evidence.found, model, tear);
  return std::ranges::any_of(std::array{Rest::kKept, Rest::kLost}, [&](Rest rest) {
    const CompleteState complete = inspector_.Complete(state, model, rest);
    return confirm_(state, complete, evidence.window, evidence.kind, settings);
  });
}

// Adds to the labels of `draft` the models that admit the evidence. A model that admitted one
// violation of the signature is not asked again, nor one that denied many.
void FindingCollector::Label(const Evidence& evidence, FurtherInspector& further,
                             FindingDraft& draft) {
  Asked& asked = asked_[draft.signature];
  const ChosenState& state = evidence.found;
  const Model& found_under = *evidence.settings.model;
  const auto is_admitted = [&](const Model& model, uint32_t& confirmed) {
    return inspector_.Admits(state, model, state.tear) && further.Admits(model, state.tear) &&
           IsViolatedUnder(evidence, model, confirmed);
  };
  for (const Model& model : Models()) {
    if (draft.models.contains(model.name)) continue;
    // A run has seen what its file system does after a failed sync; others do something else. The
    // weakest model stands for all of them.
    if (&model != &Models().front() && failed_sync_ && model.failed_sync != *failed_sync_) continue;
    // Where reads of wrong bytes fail, an engine never sees them.
    if (model.data_checksums && DamagesPages(draft.fault)) continue;
    const bool admits = &model == &found_under || (asked.observed[model.name]++ < kMostQuestions &&
                                                   is_admitted(model, asked.confirmed[model.name]));
    if (admits) {
      draft.models.insert(model.name);
      draft.contract_models.erase(model.name);
      continue;
    }
    const Model& contract = ContractProfile(model);
    const bool admits_by_contract =
        contract != model && !draft.contract_models.contains(model.name) &&
        (&contract == &found_under ||
         (asked.contract[model.name]++ < kMostQuestions &&
          is_admitted(contract, asked.confirmed["contract of " + model.name])));
    if (admits_by_contract) draft.contract_models.insert(model.name);
  }
}

std::set<std::string> FindingCollector::ModelsSeen() const {
  std::set<std::string> models;
  for (const auto& [signature, draft] : drafts_) {
    models.insert(draft.models.begin(), draft.models.end());
  }
  return models;
}

void FindingCollector::Add(const PointResult& result, const ExploreSettings& settings) {
  if (!result.fault.empty()) {
    AddDamaged(result, settings);
    return;
  }
  for (const PointViolation& violation : result.violations) {
    AddLegal(result, violation, settings,
             {.position = result.position,
              .tear = EffectiveTear(*settings.model, settings.tear),
              .chosen = violation.chosen});
  }
}

void FindingCollector::AddLegal(const PointResult& result, const PointViolation& violation,
                                const ExploreSettings& settings, const ChosenState& found) {
  FindingDraft draft;
  draft.violation = violation.violation;
  draft.settings = settings;
  draft.window = result.window;
  draft.count = 1;
  draft.state = found;
  FurtherInspector further(violation.cuts, type_, found.tear);
  // A complete state says itself what reaches it; nothing follows about states between those seen.
  std::optional<FaultLevel> weakest;
  Evidence evidence{.found = found,
                    .window = result.window,
                    .kind = violation.violation.violation,
                    .settings = settings};
  for (const auto& chosen : violation.seen) {
    ChosenState seen = found;
    seen.chosen = chosen;
    evidence.seen.push_back(seen);
    const FaultLevel level = inspector_.WeakestLevel(seen, *settings.model);
    if (weakest && *weakest <= level) continue;
    weakest = level;
    draft.state = std::move(seen);
  }
  draft.level = std::max(weakest.value_or(inspector_.WeakestLevel(found, *settings.model)),
                         further.WeakestLevel(*settings.model));
  // What is shown and saved is a state that the weakest level itself can leave.
  const auto [model, tear] = MeansOf(draft.level, settings);
  draft.state = inspector_.Weaken(draft.state, *model, tear);
  draft.settings.model = model;
  draft.settings.tear = draft.state.tear;
  draft.complete = inspector_.Complete(draft.state, *model);
  Sign(draft);
  if (!violation.cuts.empty()) {
    draft.signature.resize(draft.signature.size() - signature_end_.size());
    const Image left =
        Materialise(trace_, draft.state.position, draft.complete.lost, draft.state.tear);
    draft.further = further.Complete(left, *model, draft.state.tear);
    draft.signature += further.SignatureOf(draft.further);
    for (std::string& kind : further.KindsOf(draft.further)) {
      draft.kinds.push_back(std::move(kind));
    }
    std::ranges::sort(draft.kinds);
    const auto repeated = std::ranges::unique(draft.kinds);
    draft.kinds.erase(repeated.begin(), repeated.end());
    draft.signature += signature_end_;
  }
  Merge(std::move(draft), evidence, further);
}

void FindingCollector::Sign(FindingDraft& draft) const {
  draft.kinds = draft.fault.empty() ? inspector_.Kinds(draft.complete.lost) : DamagedKinds(draft);
  draft.signature =
      fmt::format("{}: {}", Name(draft.violation.violation), fmt::join(draft.kinds, " "));
  if (!draft.fault.empty()) return;
  if (draft.complete.lost.empty()) draft.signature += "nothing lost";
  draft.signature += signature_end_;
}

// Adds a draft to those of its signature, of which the smallest is kept.
void FindingCollector::Merge(FindingDraft draft, const Evidence& evidence,
                             FurtherInspector& further) {
  const auto [position, inserted] = drafts_.try_emplace(draft.signature, draft);
  FindingDraft& known = position->second;
  if (!inserted) {
    ++known.count;
    if (Size(draft) < Size(known)) {
      draft.count = known.count;
      draft.models = std::move(known.models);
      draft.contract_models = std::move(known.contract_models);
      known = std::move(draft);
    }
  }
  if (labels_models_) Label(evidence, further, known);
}

void FindingCollector::Fold() {
  const auto explains = [](const FindingDraft& less, const FindingDraft& more) {
    // What a correct disk can do to the engine is no news when a faulty one does it.
    const bool is_news = less.fault.empty() == more.fault.empty() || more.fault.empty() ||
                         less.violation.violation != more.violation.violation;
    if (!is_news) return true;
    return less.signature != more.signature &&
           less.violation.violation == more.violation.violation && less.level <= more.level &&
           less.further.size() <= more.further.size() &&
           std::ranges::includes(more.kinds, less.kinds) &&
           std::ranges::includes(less.models, more.models);
  };
  for (auto more = drafts_.begin(); more != drafts_.end();) {
    const auto less = std::ranges::find_if(
        drafts_, [&](const auto& entry) { return explains(entry.second, more->second); });
    if (less == drafts_.end()) {
      ++more;
    } else {
      less->second.count += more->second.count;
      for (const std::string& model : more->second.contract_models) {
        if (!less->second.models.contains(model)) less->second.contract_models.insert(model);
      }
      more = drafts_.erase(more);
    }
  }
}

std::vector<Finding> FindingCollector::Findings() {
  std::vector<Finding> findings;
  for (const auto& [signature, draft] : drafts_) {
    Finding finding;
    finding.id = FindingId(draft);
    finding.signature = signature;
    finding.violation = draft.violation.violation;
    finding.fault_level = draft.level;
    finding.fault = draft.fault;
    for (const Model& model : Models()) {
      if (draft.models.contains(model.name)) finding.models.push_back(model.name);
      if (draft.contract_models.contains(model.name)) {
        finding.contract_models.push_back(model.name);
      }
    }
    finding.crash_point = draft.state.position;
    finding.transactions_attempted = draft.window.attempted;
    finding.transactions_acknowledged = draft.window.acknowledged;
    finding.lost = inspector_.Lines(draft.complete.lost, draft.state.tear);
    finding.kept = inspector_.Lines(draft.complete.kept, draft.state.tear);
    for (std::string& line : FurtherLines(draft.further, type_, draft.state.tear)) {
      finding.lost.push_back(std::move(line));
    }
    Shorten(finding.lost);
    Shorten(finding.kept);
    finding.message = draft.violation.message;
    finding.count = draft.count;
    if (draft.minimised) {
      const CaseSize& before = draft.minimised->before;
      finding.minimised = {.transactions_before = before.transactions,
                           .transactions_after = draft.window.attempted,
                           .lost_atoms_before = before.lost_atoms,
                           .lost_atoms_after = CountRuns(draft.complete.lost)};
    }
    findings.push_back(std::move(finding));
  }
  std::ranges::stable_sort(findings, {}, [](const Finding& finding) {
    return std::tuple(BrokenPromise(finding.violation), finding.violation, finding.fault_level,
                      finding.lost.size());
  });
  return findings;
}

std::string FindingId(const FindingDraft& draft) {
  const uint64_t hash = XXH3_64bits(draft.signature.data(), draft.signature.size());
  return fmt::format("{}-{:08x}", Name(draft.violation.violation), hash >> 32);
}

}  // namespace plugpull
