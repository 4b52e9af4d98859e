#include "harness/further_crashes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "faults/persistence/materialise.h"
#include "faults/persistence/snapshot.h"

namespace plugpull {

FurtherInspector::FurtherInspector(const std::vector<RecoveryCut>& cuts, const EngineType& type,
                                   Tear tear)
    : cuts_(cuts), type_(type) {
  for (const RecoveryCut& cut : cuts) {
    states_.push_back({.position = cut.trace.ops.size(), .tear = tear, .chosen = cut.chosen});
    inspectors_.push_back(std::make_unique<StateInspector>(cut.trace, type));
  }
}

bool FurtherInspector::Admits(const Model& model, Tear tear) {
  for (size_t i = 0; i < cuts_.size(); ++i) {
    if (!inspectors_[i]->Admits(states_[i], model, tear)) return false;
  }
  return true;
}

FaultLevel FurtherInspector::WeakestLevel(const Model& model) {
  FaultLevel level = FaultLevel::kProcessKill;
  for (size_t i = 0; i < cuts_.size(); ++i) {
    level = std::max(level, inspectors_[i]->WeakestLevel(states_[i], model));
  }
  return level;
}

std::vector<FurtherCrash> FurtherInspector::Complete(const Image& left, const Model& model,
                                                     Tear tear) const {
  std::vector<FurtherCrash> further;
  Image image = left;
  for (size_t i = 0; i < cuts_.size(); ++i) {
    const RecoveryCut& cut = cuts_[i];
    // What nobody has looked at may differ from the disk that the search began on: the operations
    // are the same, but not where they stand.
    FurtherCrash crash;
    AppendSnapshot(crash.trace, image);
    while (crash.trace.ops.size() < cut.begin)
      crash.trace.ops.push_back({.kind = OpKind::kSyncAll});
    crash.begin = crash.trace.ops.size();
    AppendOperations(crash.trace, cut.trace, cut.begin);
    ChosenState state = inspectors_[i]->Weaken(states_[i], model, tear);
    state.position = crash.trace.ops.size();
    for (auto& [atom, kept] : state.chosen) {
      atom.op = static_cast<uint32_t>(atom.op - cut.begin + crash.begin);
    }
    crash.lost = StateInspector(crash.trace, type_).Complete(state, model).lost;
    image = Materialise(crash.trace, crash.trace.ops.size(), crash.lost, state.tear);
    further.push_back(std::move(crash));
  }
  return further;
}

std::string FurtherInspector::SignatureOf(const std::vector<FurtherCrash>& further) const {
  std::string text;
  for (const FurtherCrash& crash : further) {
    const auto kinds = StateInspector(crash.trace, type_).Kinds(crash.lost);
    text += fmt::format("; in recovery: {}", fmt::join(kinds, " "));
    if (kinds.empty()) text += "nothing lost";
  }
  return text;
}

std::vector<std::string> FurtherInspector::KindsOf(const std::vector<FurtherCrash>& further) const {
  std::vector<std::string> all;
  for (const FurtherCrash& crash : further) {
    for (std::string& kind : StateInspector(crash.trace, type_).Kinds(crash.lost)) {
      all.push_back(std::move(kind));
    }
  }
  return all;
}

std::vector<std::string> FurtherLines(const std::vector<FurtherCrash>& further,
                                      const EngineType& type, Tear tear) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < further.size(); ++i) {
    const FurtherCrash& crash = further[i];
    const std::string where = fmt::format("in recovery {}, after operation {}: ", i + 1,
                                          crash.trace.ops.size() - crash.begin);
    if (crash.lost.empty()) lines.push_back(where + "nothing lost");
    for (const std::string& line : StateInspector(crash.trace, type).Lines(crash.lost, tear)) {
      // Operations of a recovery count from its beginning.
      const size_t space = line.find(' ');
      const size_t number = std::stoul(line.substr(1, space)) - crash.begin;
      lines.push_back(fmt::format("{}lost #{}{}", where, number, line.substr(space)));
    }
  }
  return lines;
}

}  // namespace plugpull
