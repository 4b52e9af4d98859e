#include "harness/image_search.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/random.h"
#include "harness/error_run.h"

namespace plugpull {
namespace {

// One image in this many is judged twice to see whether judging is deterministic.
constexpr uint64_t kRerunShare = 32;

// The first image of each content at one point in kUsePointShare is used after recovery, and of
// all images one in kUseShare.
constexpr uint64_t kUsePointShare = 4;
constexpr uint64_t kUseShare = 32;

// Tells what became of an image in use from how it was found.
constexpr uint64_t kInUse = 0x75736564;

std::optional<uint64_t> Small(const StateCounter& counter) {
  constexpr uint64_t kMost = 1'000'000'000;
  if (!counter.exact() || counter.total() > kMost) return std::nullopt;
  return static_cast<uint64_t>(counter.total());
}

std::pair<uint64_t, uint64_t> Pair(const TreeHash& hash) { return {hash.low, hash.high}; }

}  // namespace

ImageExplorer::Search::Search(ImageExplorer& explorer, Site& site, Court& court,
                              const PointTask& task, bool is_damaged)
    : explorer_(explorer),
      site_(site),
      court_(court),
      task_(task),
      is_damaged_(is_damaged),
      most_states_(task.settings.recoveries_per_point == 0 ? kStatesPerPoint
                                                           : task.settings.recoveries_per_point),
      counter_(site.graph),
      operations_(OpenOperations(site.graph)),
      family_(site.graph.constraints(), operations_, Small(counter_),
              {.most_states = most_states_,
               .cuts_families = task.settings.recoveries_per_point != 0,
               .seed = task.settings.seed + task.position}) {
  const CrashCursor& cursor = *site.cursor;
  window_ = {cursor.transactions_acknowledged(), cursor.transactions_attempted(),
             AcknowledgedAfterFailure(explorer.trace_, cursor.position())};
  circumstances_ = Mix64(court.hash ^ window_.acknowledged);
  // A check is told of acknowledgements only.
  if (task.settings.check.empty()) {
    circumstances_ = Mix64(circumstances_ ^ window_.attempted);
    circumstances_ = Mix64(circumstances_ ^ (window_.after_failure ? 1U : 0U));
  }
  if (!task.settings.symptom.empty()) symptom_ = Symptom::Parse(task.settings.symptom).value();
  PointResult& result = point_.result;
  result.position = cursor.position();
  result.window = window_;
}

Expected<ExploredPoint> ImageExplorer::Search::Run() {
  PointResult& result = point_.result;
  bool has_more = family_.Next();
  while (has_more && result.bound.empty() && result.unknown.empty()) {
    if (const Expected<void> taken = TakeState(); !taken) return std::unexpected(taken.error());
    result.bound = BoundReached();
    has_more = family_.Next();
  }
  site_.graph.constraints().Undo(0);
  const bool has_seen_all = !has_more && result.unknown.empty();
  result.exhausted = has_seen_all && family_.is_exhaustive();
  if (result.exhausted) {
    result.bound.clear();
  } else if (has_seen_all && result.bound.empty()) {
    result.bound = fmt::format("states: {} a crash point", most_states_);
  }
  result.covered = std::to_string(states_.size());
  result.total = counter_.total().str();
  result.exact = counter_.exact();
  // Nobody crashes the recovery of a program.
  if (task_.settings.depth > 1 && !is_damaged_) result.deeper.push_back({.exhausted = false});
  return std::move(point_);
}

Expected<void> ImageExplorer::Search::TakeState() {
  if (!states_.insert(HashOfState()).second) return {};
  const TreeHash tree = site_.tree.Hash();
  if (!images_.insert(Pair(tree)).second) return {};
  Expected<Judgement> judgement = JudgeState(tree);
  if (!judgement) return std::unexpected(judgement.error());
  if (!judgement->violation) return {};
  return Report(*judgement->violation);
}

uint64_t ImageExplorer::Search::HashOfState() const {
  const Constraints& constraints = site_.graph.constraints();
  uint64_t hash = 0;
  uint64_t word = 0;
  for (VariableId variable = 0; variable < constraints.size(); ++variable) {
    word = word << 1 | (constraints.fate(variable) == Fate::kKept ? 1U : 0U);
    if (variable % 64 != 63) continue;
    hash = Mix64(hash ^ word);
    word = 0;
  }
  return Mix64(hash ^ word);
}

std::string ImageExplorer::Search::BoundReached() const {
  const uint64_t quiet = point_.recovered.size() - quiet_since_;
  if (full_ && quiet >= task_.settings.patience) return "per-class";
  if (explorer_.stop_) return "stopped";
  return "";
}

// The first violation of a class at a point is judged twice in any case.
bool ImageExplorer::Search::IsNews(const Judgement& judgement) const {
  return judgement.violation && seen_[static_cast<size_t>(judgement.violation->violation)] == 0;
}

Expected<Judgement> ImageExplorer::Search::JudgeState(const TreeHash& tree) {
  const ImageKey key{.tree = tree, .circumstances = circumstances_};
  const bool is_rerun = tree.high % kRerunShare == 1;
  const Expected<const ImageOutcome*> outcome =
      explorer_.judged_.Find(key, [&]() -> Expected<ImageOutcome> {
        Expected<ImageOutcome> first = JudgeImage(key);
        if (!first || (!is_rerun && !IsNews(first->judgement))) return first;
        const Expected<ImageOutcome> second = JudgeImage(key);
        if (!second) return std::unexpected(second.error());
        first->is_deterministic = first->judgement == second->judgement;
        return first;
      });
  if (!outcome) return std::unexpected(outcome.error());
  if (recovered_.insert(Pair(tree)).second) {
    point_.recovered.push_back(key);
    if (is_rerun) point_.rerun.push_back(key);
  }
  if (!(*outcome)->is_deterministic) {
    point_.result.unknown.emplace_back(
        "nondeterministic: judging the same image twice gave different outcomes");
  }
  const Judgement& judgement = (*outcome)->judgement;
  if (!(*outcome)->is_deterministic) return Judgement();
  if (judgement.violation || !judgement.known_state) return judgement;
  const bool is_first = used_.insert(judgement.recovered_transaction).second &&
                        Mix64(point_.result.position) % kUsePointShare == 0;
  const bool is_used = is_first || tree.high % kUseShare == 2 || used_images_.contains(Pair(tree));
  return is_used ? UseState(key, judgement) : judgement;
}

Expected<ImageOutcome> ImageExplorer::Search::JudgeImage(const ImageKey& key) {
  on_disk_ = key;
  ++explorer_.recoveries_;
  Expected<Judgement> judgement = court_.judge->Judge(site_.tree.MakeImage(), window_);
  if (!judgement) return std::unexpected(judgement.error());
  return ImageOutcome{.judgement = std::move(*judgement)};
}

Expected<Judgement> ImageExplorer::Search::UseState(const ImageKey& key,
                                                    const Judgement& judgement) {
  ImageKey use_key = key;
  use_key.circumstances = Mix64(key.circumstances ^ kInUse);
  if (used_images_.insert(Pair(key.tree)).second) point_.used.push_back(use_key);
  const Expected<const ImageOutcome*> outcome =
      explorer_.judged_.Find(use_key, [&]() -> Expected<ImageOutcome> {
        ImageOutcome used;
        if (on_disk_ != key) {
          const Expected<ImageOutcome> again = JudgeImage(key);
          if (!again) return again;
          used.is_deterministic = again->judgement == judgement;
        }
        on_disk_.reset();
        if (!used.is_deterministic) return used;
        Expected<Judgement> after = court_.judge->Use(judgement);
        if (!after) return std::unexpected(after.error());
        used.judgement = std::move(*after);
        return used;
      });
  if (!outcome) return std::unexpected(outcome.error());
  if (!(*outcome)->is_deterministic) {
    point_.result.unknown.emplace_back(
        "nondeterministic: judging the same image twice gave different outcomes");
  }
  return (*outcome)->judgement;
}

// Whether a smaller violation of the class is known that loses nothing else.
bool ImageExplorer::Search::IsExplained(const Violation& violation) const {
  const Constraints& constraints = site_.graph.constraints();
  const auto is_lost = [&](VariableId variable) {
    return constraints.fate(variable) == Fate::kLost;
  };
  return std::ranges::any_of(
      reasons_[static_cast<size_t>(violation.violation)],
      [&](const std::vector<VariableId>& lost) { return std::ranges::all_of(lost, is_lost); });
}

bool ImageExplorer::Search::Shows(const Violation& violation) const {
  return !symptom_ || symptom_->Matches(violation.message);
}

Expected<void> ImageExplorer::Search::Report(const Violation& violation) {
  const auto kind = static_cast<size_t>(violation.violation);
  ++point_.result.violation_count;
  if (!Shows(violation)) {
    ++point_.result.without_symptom;
    return {};
  }
  const uint64_t seen = ++seen_[kind];
  if (seen == 1) quiet_since_ = point_.recovered.size();
  if (seen >= task_.settings.per_class) full_ = true;
  auto& reasons = reasons_[kind];
  if (reasons.size() >= task_.settings.per_class || IsExplained(violation)) return {};
  StateShrinker shrinker(site_.graph, operations_, [this]() -> Expected<std::optional<Violation>> {
    Expected<Judgement> judgement = JudgeState(site_.tree.Hash());
    if (!judgement) return std::unexpected(judgement.error());
    if (judgement->violation && !Shows(*judgement->violation)) return std::nullopt;
    return std::move(judgement->violation);
  });
  Expected<ShrunkState> shrunk = shrinker.Shrink(violation);
  if (!shrunk) return std::unexpected(shrunk.error());
  reasons.push_back(shrunk->lost);
  quiet_since_ = point_.recovered.size();
  PointViolation found{.violation = std::move(shrunk->violation),
                       .chosen = std::move(shrunk->chosen),
                       .lost_atoms = shrunk->lost_atoms};
  if (is_damaged_) {
    found.chosen = std::move(shrunk->seen.front());
  } else {
    found.seen = std::move(shrunk->seen);
  }
  point_.result.violations.push_back(std::move(found));
  return {};
}

}  // namespace plugpull
