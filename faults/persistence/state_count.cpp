#include "faults/persistence/state_count.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr uint32_t kMostSplits = 20'000;  // of one component, before its count is a bound
// Of one page. Only pages that are rewritten many times without a sync come near: their states are
// beyond exploring anyway, and counting them would cost more than the search.
constexpr size_t kMostPartsOfCluster = 16;  // two bits each in the state of a walk
constexpr size_t kMostStatesOfWalk = 2'000;

// Wide enough for 65,000 rewrites of each sector of a page.
using Ways = unsigned __int128;

// Union-find over small integers.
class Unions {
 public:
  explicit Unions(size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), 0U); }
  uint32_t Find(uint32_t element) {
    while (parent_[element] != element) {
      parent_[element] = parent_[parent_[element]];
      element = parent_[element];
    }
    return element;
  }
  void Join(uint32_t left, uint32_t right) { parent_[Find(left)] = Find(right); }

 private:
  std::vector<uint32_t> parent_;
};

}  // namespace

StateCounter::StateCounter(const CrashGraph& graph)
    : graph_(graph), constraints_(graph.constraints()) {
  Assert(constraints_.trail().empty(), "a counter starts with everything open");
  cluster_of_.assign(constraints_.size(), -1);
  FindClusters();
  FindComponents();
  local_of_.assign(constraints_.size(), kNone);
  touched_stamp_.assign(components_.size(), 0);
  cluster_stamp_.assign(clusters_.size(), 0);
  for (Cluster& cluster : clusters_) cluster.total = exact_ ? CountCluster(cluster) : 1;
  for (Component& component : components_) {
    if (!exact_) break;  // one bound makes the whole count a bound: do not spend time on the rest
    component.total = CountComponent(component);
    total_ *= component.total;
  }
}

void StateCounter::FindClusters() {
  if (constraints_.parts().empty()) return;
  const uint64_t units_per_page = kTearPageBytes / graph_.unit_bytes();
  for (const OpenFile& file : graph_.files()) {
    uint64_t page = 0;
    bool first = true;
    for (const UnitChain& chain : file.chains) {
      if (first || chain.unit / units_per_page != page) {
        clusters_.push_back({.gate = file.existence, .chains = {}, .parts = {}});
        page = chain.unit / units_per_page;
        first = false;
      }
      Cluster& cluster = clusters_.back();
      cluster.chains.push_back(&chain);
      for (const UnitEntry& entry : chain.entries) {
        cluster_of_[entry.variable] = static_cast<int32_t>(clusters_.size() - 1);
        const int32_t part = constraints_.PartOf(entry.variable);
        if (part >= 0 && std::ranges::find(cluster.parts, part) == cluster.parts.end()) {
          cluster.parts.push_back(part);
        }
      }
    }
  }
}

void StateCounter::FindComponents() {
  const uint32_t variables = static_cast<uint32_t>(constraints_.size());
  Unions unions(variables + clusters_.size());
  for (VariableId late = 0; late < variables; ++late) {
    if (cluster_of_[late] >= 0)
      unions.Join(late, variables + static_cast<uint32_t>(cluster_of_[late]));
    for (const VariableId early : constraints_.Early(late)) {
      unions.Join(early, late);
      // A cluster is counted on its own, given its gate: other edges would tie it to the rest.
      const bool late_inside = cluster_of_[late] >= 0;
      const bool early_inside = cluster_of_[early] >= 0;
      const bool through_gate =
          late_inside && !early_inside && clusters_[cluster_of_[late]].gate == early;
      const bool within = late_inside && early_inside && cluster_of_[late] == cluster_of_[early];
      if ((late_inside || early_inside) && !through_gate && !within) exact_ = false;
    }
  }
  std::vector<uint32_t> component_of_root(variables + clusters_.size(), kNone);
  component_of_.resize(variables);
  for (VariableId variable = 0; variable < variables; ++variable) {
    uint32_t& component = component_of_root[unions.Find(variable)];
    if (component == kNone) {
      component = static_cast<uint32_t>(components_.size());
      components_.emplace_back();
    }
    component_of_[variable] = component;
    if (cluster_of_[variable] < 0) components_[component].skeleton.push_back(variable);
  }
  for (uint32_t cluster = 0; cluster < clusters_.size(); ++cluster) {
    const uint32_t component = component_of_root[unions.Find(variables + cluster)];
    components_[component].clusters.push_back(cluster);
  }
}

StateCount StateCounter::CountAgreeing() {
  ++stamp_;
  touched_.clear();
  for (const VariableId variable : constraints_.trail()) {
    if (cluster_of_[variable] >= 0) cluster_stamp_[cluster_of_[variable]] = stamp_;
    const uint32_t component = component_of_[variable];
    if (touched_stamp_[component] == stamp_) continue;
    touched_stamp_[component] = stamp_;
    touched_.push_back(component);
  }
  StateCount count = 1;
  if (components_.size() <= 2 * touched_.size() + 8) {
    for (uint32_t i = 0; i < components_.size(); ++i) {
      if (touched_stamp_[i] != stamp_) count *= components_[i].total;
    }
  } else {
    StateCount touched_total = 1;
    for (const uint32_t component : touched_) touched_total *= components_[component].total;
    count = total_ / touched_total;
  }
  for (const uint32_t component : touched_) count *= CountComponent(components_[component]);
  return count;
}

StateCount StateCounter::CountComponent(const Component& component) {
  StateCount count = 1;
  std::vector<uint32_t> nodes;
  for (const VariableId variable : component.skeleton) {
    if (constraints_.fate(variable) != Fate::kOpen) continue;
    const uint32_t node = static_cast<uint32_t>(nodes.size());
    nodes.push_back(node);
    local_of_[variable] = node;
    if (early_.size() <= node) {
      early_.emplace_back();
      late_.emplace_back();
      weight_.emplace_back();
      alive_.push_back(0);
    }
    early_[node].clear();
    late_[node].clear();
    weight_[node] = 1;
  }
  for (const VariableId variable : component.skeleton) {
    if (local_of_[variable] == kNone) continue;
    for (const VariableId early : constraints_.Early(variable)) {
      if (local_of_[early] == kNone) continue;
      early_[local_of_[variable]].push_back(local_of_[early]);
      late_[local_of_[early]].push_back(local_of_[variable]);
    }
  }
  for (const uint32_t index : component.clusters) {
    const Cluster& cluster = clusters_[index];
    if (cluster.gate != kNoVariable && constraints_.fate(cluster.gate) == Fate::kLost) continue;
    const bool untouched = cluster_stamp_[index] != stamp_ || stamp_ == 0;
    const StateCount states = untouched ? cluster.total : CountCluster(cluster);
    if (cluster.gate != kNoVariable && constraints_.fate(cluster.gate) == Fate::kOpen) {
      weight_[local_of_[cluster.gate]] *= states;
    } else {
      count *= states;
    }
  }
  if (!nodes.empty()) {
    splits_left_ = kMostSplits;
    count *= CountClosedSets(nodes);
    for (const VariableId variable : component.skeleton) local_of_[variable] = kNone;
  }
  return count;
}

// Walks along the sectors of a page. A sector takes a version: how many of its writes, oldest
// first, it has seen. A part may change between kept and lost only once along the page: that is
// what makes it a prefix or a suffix. The state of the walk is, for each part that is under way,
// what its last sector was and whether it has changed.
StateCount StateCounter::CountCluster(const Cluster& cluster) {
  if (cluster.parts.size() > kMostPartsOfCluster) {
    exact_ = false;
    return 1;
  }
  std::vector<std::pair<uint64_t, Ways>> walk = {{0, 1}};  // (state, ways to get there)
  std::vector<std::pair<uint64_t, Ways>> next;
  for (const UnitChain* chain : cluster.chains) {
    const size_t count = chain->entries.size();
    size_t least = 0;
    while (least < count && constraints_.fate(chain->entries[least].variable) == Fate::kKept) {
      ++least;
    }
    size_t most = least;
    while (most < count && constraints_.fate(chain->entries[most].variable) == Fate::kOpen) ++most;
    next.clear();
    for (const auto& [state, ways] : walk) {
      for (size_t version = least; version <= most; ++version) {
        uint64_t after = state;
        bool possible = true;
        for (size_t k = 0; k < count && possible; ++k) {
          const VariableId variable = chain->entries[k].variable;
          const int32_t part = constraints_.PartOf(variable);
          if (part < 0) continue;
          const auto position = std::ranges::find(cluster.parts, part);
          const uint64_t shift = 2 * static_cast<uint64_t>(position - cluster.parts.begin());
          const Constraints::Part& bounds = constraints_.parts()[part];
          const uint64_t kept = k < version ? 1 : 0;
          const uint64_t bits = after >> shift & 3U;
          uint64_t bits_after = 0;
          if (variable == bounds.first) {
            bits_after = kept;
          } else if ((bits & 1U) == kept) {
            bits_after = bits;
          } else {
            possible = (bits & 2U) == 0;
            bits_after = kept | 2U;
          }
          if (variable == bounds.first + bounds.count - 1U) bits_after = 0;
          after = (after & ~(uint64_t{3} << shift)) | bits_after << shift;
        }
        if (possible) next.emplace_back(after, ways);
      }
    }
    std::ranges::sort(next);
    walk.clear();
    for (const auto& [state, ways] : next) {
      if (!walk.empty() && walk.back().first == state) {
        if (__builtin_add_overflow(walk.back().second, ways, &walk.back().second)) {
          exact_ = false;
          return 1;
        }
      } else {
        walk.emplace_back(state, ways);
      }
    }
    if (walk.size() > kMostStatesOfWalk) {
      exact_ = false;
      return 1;
    }
  }
  StateCount total = 0;
  for (const auto& [state, ways] : walk) total += StateCount(ways);
  return total;
}

// Counts the closed sets of the open nodes given, each weighted by the product of the weights of
// the nodes that it keeps.
StateCount StateCounter::CountClosedSets(const std::vector<uint32_t>& nodes) {
  const uint32_t stamp = ++alive_stamp_;
  for (const uint32_t node : nodes) alive_[node] = stamp;
  StateCount count = 1;
  std::vector<uint32_t> stack;
  std::vector<std::vector<uint32_t>> connected;
  for (const uint32_t start : nodes) {
    if (alive_[start] != stamp) continue;
    std::vector<uint32_t>& members = connected.emplace_back();
    stack.assign(1, start);
    alive_[start] = 0;
    while (!stack.empty()) {
      const uint32_t node = stack.back();
      stack.pop_back();
      members.push_back(node);
      for (const auto* neighbours : {&early_[node], &late_[node]}) {
        for (const uint32_t other : *neighbours) {
          if (alive_[other] != stamp) continue;
          alive_[other] = 0;
          stack.push_back(other);
        }
      }
    }
  }
  for (std::vector<uint32_t>& members : connected) {
    std::ranges::sort(members);
    count *= CountConnected(members);
  }
  return count;
}

StateCount StateCounter::CountConnected(const std::vector<uint32_t>& nodes) {
  if (nodes.size() == 1) return 1 + weight_[nodes[0]];
  const uint32_t stamp = ++alive_stamp_;
  for (const uint32_t node : nodes) alive_[node] = stamp;
  const auto alive_early = [this, stamp](uint32_t node) {
    return std::ranges::count_if(early_[node],
                                 [&](uint32_t early) { return alive_[early] == stamp; });
  };
  std::vector<uint32_t> joints;  // nodes that depend on more than one other
  for (const uint32_t node : nodes) {
    if (alive_early(node) > 1) joints.push_back(node);
  }
  if (joints.empty()) {
    // A tree: nodes are numbered in issue order, so every node comes after the one it depends on.
    std::map<uint32_t, StateCount> below;  // product over what depends on a node
    StateCount count = 1;
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      const auto found = below.find(*node);
      StateCount ways = weight_[*node];
      if (found != below.end()) ways *= found->second;
      ways += 1;
      bool is_root = true;
      for (const uint32_t early : early_[*node]) {
        if (alive_[early] != stamp) continue;
        is_root = false;
        below.try_emplace(early, 1).first->second *= ways;
      }
      if (is_root) count *= ways;
    }
    return count;
  }
  if (splits_left_ == 0) {
    exact_ = false;
    return 1;
  }
  --splits_left_;
  // Split at a joint in the middle: either it is kept, with all it depends on, or it is lost, with
  // all that depends on it.
  const uint32_t joint = joints[joints.size() / 2];
  StateCount count = 0;
  for (const bool keep : {true, false}) {
    const uint32_t removed = ++alive_stamp_;
    StateCount ways = 1;
    std::vector<uint32_t> stack = {joint};
    for (const uint32_t node : nodes) alive_[node] = stamp;
    alive_[joint] = removed;
    while (!stack.empty()) {
      const uint32_t node = stack.back();
      stack.pop_back();
      if (keep) ways *= weight_[node];
      for (const uint32_t other : keep ? early_[node] : late_[node]) {
        if (alive_[other] != stamp) continue;
        alive_[other] = removed;
        stack.push_back(other);
      }
    }
    std::vector<uint32_t> rest;
    for (const uint32_t node : nodes) {
      if (alive_[node] == stamp) rest.push_back(node);
    }
    if (!rest.empty()) ways *= CountClosedSets(rest);
    count += ways;
  }
  return count;
}

}  // namespace plugpull
