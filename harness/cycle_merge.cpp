#include "harness/cycle_merge.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include "faults/persistence/model.h"
#include "faults/persistence/state_count.h"

namespace plugpull {
namespace {

void AddTo(std::vector<std::string>& sorted, std::string word) {
  const auto place = std::ranges::lower_bound(sorted, word);
  if (place == sorted.end() || *place != word) sorted.insert(place, std::move(word));
}

double Log10(const std::string& digits) {
  const size_t head = std::min<size_t>(digits.size(), 15);
  return std::log10(std::stod(digits.substr(0, head))) + static_cast<double>(digits.size() - head);
}

void MergeDepths(const Coverage& next, Coverage& all) {
  for (const DepthCoverage& depth : next.depth) {
    const auto known = std::ranges::find(all.depth, depth.crashes, &DepthCoverage::crashes);
    if (known == all.depth.end()) {
      all.depth.push_back(depth);
      continue;
    }
    known->crash_points += depth.crash_points;
    known->recoveries += depth.recoveries;
    known->exhausted = known->exhausted && depth.exhausted;
  }
}

// A fault that never fired in one cycle may in another.
void MergeTallies(const Result& next, Result& all) {
  for (const FaultTally& tally : next.faults_fired) {
    const auto known = std::ranges::find(all.faults_fired, tally.fault, &FaultTally::fault);
    if (known == all.faults_fired.end()) {
      all.faults_fired.push_back(tally);
      continue;
    }
    known->instances += tally.instances;
    known->fired += tally.fired;
    known->of += tally.of;
    known->recoveries += tally.recoveries;
    if (known->fired == 0) continue;
    known->advice.clear();
    std::erase(all.coverage.unknown, "the fault never fired: " + tally.fault);
  }
}

// Puts the names in the order of Models().
std::vector<std::string> InOrder(const std::set<std::string>& names) {
  std::vector<std::string> ordered;
  for (const Model& model : Models()) {
    if (names.contains(model.name)) ordered.push_back(model.name);
  }
  return ordered;
}

std::set<std::string> Intersection(const std::set<std::string>& left,
                                   const std::set<std::string>& right) {
  std::set<std::string> both;
  std::ranges::set_intersection(left, right, std::inserter(both, both.end()));
  return both;
}

void MergeModels(const Result& next, const ChainLabels& labels, Result& all) {
  for (size_t i = 0; i < next.models.size() && i < all.models.size(); ++i) {
    const auto& [name, verdict] = next.models[i];
    Verdict& known = all.models[i].second;
    // What a crash on the way here cannot leave on a file system says nothing about it.
    if (!labels.Admits(name) || known == Verdict::kViolated) continue;
    if (verdict != Verdict::kHeld) known = verdict;
  }
}

void MergeRecoverability(const Result& next, Result& all) {
  for (const RecoverabilityTally& tally : next.recoverability) {
    const auto known =
        std::ranges::find(all.recoverability, tally.name, &RecoverabilityTally::name);
    if (known == all.recoverability.end()) {
      all.recoverability.push_back(tally);
      continue;
    }
    known->images += tally.images;
    known->transactions_lost += tally.transactions_lost;
    known->keys_lost += tally.keys_lost;
    known->keys += tally.keys;
  }
  std::ranges::stable_sort(all.recoverability, std::greater(), &RecoverabilityTally::images);
  if (all.repairs.empty()) {
    all.repairs = next.repairs;
    return;
  }
  for (size_t i = 0; i < next.repairs.size(); ++i) all.repairs[i].cures += next.repairs[i].cures;
}

}  // namespace

ChainLabels::ChainLabels() {
  for (const Model& model : Models()) models_.insert(model.name);
  with_contract_ = models_;
}

void ChainLabels::Add(StateInspector& inspector, const ChosenState& state, const Model& model) {
  level_ = std::max(level_, inspector.WeakestLevel(state, model));
  std::vector<std::string> admitting = inspector.AdmittingModels(state);
  std::set<std::string> models(admitting.begin(), admitting.end());
  models.insert(model.name);
  models_ = Intersection(models_, models);
  const std::vector<std::string> contract = inspector.ContractModels(state);
  models.insert(contract.begin(), contract.end());
  with_contract_ = Intersection(with_contract_, models);
}

void ChainLabels::Apply(Finding& finding) const {
  finding.fault_level = std::max(finding.fault_level, level_);
  const std::set<std::string> models(finding.models.begin(), finding.models.end());
  std::set<std::string> with_contract = models;
  with_contract.insert(finding.contract_models.begin(), finding.contract_models.end());
  const std::set<std::string> left = Intersection(models, models_);
  with_contract = Intersection(with_contract, with_contract_);
  std::erase_if(with_contract, [&left](const std::string& name) { return left.contains(name); });
  finding.models = InOrder(left);
  finding.contract_models = InOrder(with_contract);
}

void MergeFinding(Finding finding, Result& all) {
  for (auto& [name, verdict] : all.models) {
    if (std::ranges::count(finding.models, name) > 0) verdict = Verdict::kViolated;
  }
  const auto known = std::ranges::find(all.findings, finding.signature, &Finding::signature);
  if (known == all.findings.end()) {
    all.findings.push_back(std::move(finding));
    return;
  }
  known->count += finding.count;
  std::set<std::string> models(known->models.begin(), known->models.end());
  models.insert(finding.models.begin(), finding.models.end());
  std::set<std::string> contract(known->contract_models.begin(), known->contract_models.end());
  contract.insert(finding.contract_models.begin(), finding.contract_models.end());
  std::erase_if(contract, [&models](const std::string& name) { return models.contains(name); });
  known->models = InOrder(models);
  known->contract_models = InOrder(contract);
}

void MergeCycle(const Result& next, CycleCoverage entry, const ChainLabels& labels, Result& all) {
  entry.crash_points = next.coverage.crash_points;
  entry.recoveries = next.coverage.recoveries;
  entry.states = next.coverage.states;
  entry.mode = next.coverage.mode;
  all.coverage.cycles.push_back(std::move(entry));
  Coverage& coverage = all.coverage;
  if (!coverage.first && next.coverage.first) {
    coverage.first = next.coverage.first;
    coverage.first->recoveries += coverage.recoveries;
  }
  coverage.crash_points += next.coverage.crash_points;
  coverage.recoveries += next.coverage.recoveries;
  coverage.distinct_images += next.coverage.distinct_images;
  coverage.reruns += next.coverage.reruns;
  coverage.uses += next.coverage.uses;
  coverage.states_exact = coverage.states_exact && next.coverage.states_exact;
  MergeDepths(next.coverage, coverage);
  const StateCount states = StateCount(coverage.states) + StateCount(next.coverage.states);
  coverage.states = states.str();
  coverage.states_log10 = states == 0 ? 0 : Log10(coverage.states);
  all.interrupted = all.interrupted || next.interrupted;
  for (const std::string& bound : next.coverage.bounds) AddBound(bound, all);
  for (const std::string& unknown : next.coverage.unknown) {
    // That a cycle was stopped at its very beginning takes nothing from those before it.
    if (next.coverage.recoveries > 0) AddUnknown(unknown, all);
  }
  MergeTallies(next, all);
  for (Finding finding : next.findings) {
    finding.cycle = coverage.cycles.back().cycle;
    labels.Apply(finding);
    MergeFinding(std::move(finding), all);
  }
  MergeModels(next, labels, all);
  MergeRecoverability(next, all);
}

void AddBound(std::string bound, Result& all) { AddTo(all.coverage.bounds, std::move(bound)); }

void AddUnknown(std::string unknown, Result& all) {
  AddTo(all.coverage.unknown, std::move(unknown));
}

void Conclude(Result& all) {
  const Coverage& coverage = all.coverage;
  const bool is_whole = coverage.bounds.empty() && coverage.unknown.empty();
  all.coverage.mode = is_whole ? "exhaustive" : "bounded";
  all.verdict = coverage.unknown.empty() ? Verdict::kHeld : Verdict::kUnknown;
  if (!all.findings.empty()) all.verdict = Verdict::kViolated;
  // What is worst comes first, as in a run of one cycle.
  std::ranges::stable_sort(all.findings, {}, [](const Finding& finding) {
    return std::tuple(BrokenPromise(finding.violation), finding.violation, finding.fault_level,
                      finding.lost.size());
  });
}

}  // namespace plugpull
