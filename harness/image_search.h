// The search of one crash point by an ImageExplorer.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "faults/persistence/state_count.h"
#include "faults/persistence/state_family.h"
#include "harness/image_explorer.h"
#include "harness/state_shrinker.h"

namespace plugpull {

class ImageExplorer::Search {
 public:
  // Requires: the site stands at the point; everything referred to outlives the search.
  // `is_damaged`: a disk did damage, whose findings are told by their complete states.
  Search(ImageExplorer& explorer, Site& site, Court& court, const PointTask& task, bool is_damaged);

  Expected<ExploredPoint> Run();

 private:
  static constexpr size_t kClasses = static_cast<size_t>(kLastViolationClass) + 1;

  // What is done with one state; nothing: it is new in no way.
  Expected<void> TakeState();
  // Returns: the outcome of the state that is decided.
  Expected<Judgement> JudgeState(const TreeHash& tree);
  Expected<ImageOutcome> JudgeImage(const ImageKey& key);
  Expected<Judgement> UseState(const ImageKey& key, const Judgement& judgement);
  Expected<void> Report(const Violation& violation);
  // Returns: true when it is what is searched for.
  bool Shows(const Violation& violation) const;
  bool IsNews(const Judgement& judgement) const;
  bool IsExplained(const Violation& violation) const;
  std::string BoundReached() const;
  uint64_t HashOfState() const;

  ImageExplorer& explorer_;
  Site& site_;
  Court& court_;
  const PointTask& task_;
  bool is_damaged_;
  uint64_t most_states_;
  StateCounter counter_;
  std::vector<OpenOperation> operations_;
  StateFamily family_;
  ExploredPoint point_;
  Window window_;
  uint64_t circumstances_ = 0;
  std::unordered_set<uint64_t> states_;  // hashes
  std::set<std::pair<uint64_t, uint64_t>> images_;
  std::set<std::pair<uint64_t, uint64_t>> recovered_;
  std::set<uint32_t> used_;  // recovered transactions
  std::set<std::pair<uint64_t, uint64_t>> used_images_;
  std::optional<ImageKey> on_disk_;  // judged last, and its store may still be open
  std::array<uint64_t, kClasses> seen_{};
  std::array<std::vector<std::vector<VariableId>>, kClasses> reasons_;  // lost, sorted, minimal
  std::optional<Symptom> symptom_;                                      // that is searched for
  bool full_ = false;
  uint64_t quiet_since_ = 0;
};

}  // namespace plugpull
