#include "faults/persistence/state_count.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr uint32_t kMostSplits = 20'000;   // of one component, before its count is a bound
constexpr uint32_t kMostTiedSplits = 500;  // these cost more each, and are made at each recovery
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

StateCounter::StateCounter(CrashGraph& graph) : graph_(graph), constraints_(graph.constraints()) {
  Assert(constraints_.trail().empty(), "a counter starts with everything open");
  cluster_of_.assign(constraints_.size(), -1);
  sector_of_.assign(constraints_.size(), nullptr);
  FindClusters();
  FindHiddenSectors();
  TieClusters();
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
        clusters_.emplace_back().gate = file.existence;
        page = chain.unit / units_per_page;
        first = false;
      }
      Cluster& cluster = clusters_.back();
      std::vector<VariableId>& writes = cluster.sectors.emplace_back();
      for (const UnitEntry& entry : chain.entries) {
        if (entry.is_failed) exact_ = false;  // later writes do not wait for it: no chain
        if (!entry.is_data) continue;
        // All or nothing over several sectors: the walk along them takes each by itself.
        if (cluster_of_[entry.variable] >= 0) exact_ = false;
        writes.push_back(entry.variable);
        cluster_of_[entry.variable] = static_cast<int32_t>(clusters_.size() - 1);
        sector_of_[entry.variable] = &chain;
        const int32_t part = constraints_.PartOf(entry.variable);
        if (part >= 0 && std::ranges::find(cluster.parts, part) == cluster.parts.end()) {
          cluster.parts.push_back(part);
        }
      }
    }
  }
}

// Sectors that a later write has overwritten for good take part in how the rest is torn, but the
// walk does not see them.
void StateCounter::FindHiddenSectors() {
  for (const Constraints::Part& part : constraints_.parts()) {
    for (VariableId variable = part.first; variable < part.first + part.count; ++variable) {
      if (cluster_of_[variable] < 0) exact_ = false;
    }
  }
}

// A cluster is counted on its own, given its gate, unless other edges tie it to the rest.
void StateCounter::TieClusters() {
  for (VariableId late = 0; late < constraints_.size(); ++late) {
    const int32_t late_cluster = cluster_of_[late];
    for (const VariableId early : constraints_.Early(late)) {
      const int32_t early_cluster = cluster_of_[early];
      if (early > late) exact_ = false;  // counts below rely on issue order
      // The walk along a page knows of no order between sectors.
      const bool both = early_cluster >= 0 && late_cluster >= 0;
      if (both && sector_of_[late] != sector_of_[early]) exact_ = false;
      if (late_cluster == early_cluster) continue;
      if (early_cluster >= 0 && late_cluster >= 0) exact_ = false;
      if (early_cluster >= 0) clusters_[early_cluster].is_tied = true;
      if (late_cluster >= 0 && clusters_[late_cluster].gate != early) {
        clusters_[late_cluster].is_tied = true;
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
    for (const VariableId early : constraints_.Early(late)) unions.Join(early, late);
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
    if (component == kNone) continue;  // no write of it is undecided, only what its blocks held
    components_[component].clusters.push_back(cluster);
    if (clusters_[cluster].is_tied) components_[component].is_tied = true;
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
  splits_left_ = component.is_tied ? kMostTiedSplits : kMostSplits;
  return component.is_tied ? CountTied(component.skeleton, component.clusters)
                           : CountFree(component.skeleton, component.clusters);
}

// Counts where every cluster hangs on its gate only.
StateCount StateCounter::CountFree(const std::vector<VariableId>& skeleton,
                                   const std::vector<uint32_t>& clusters) {
  StateCount count = 1;
  std::vector<uint32_t> nodes;
  for (const VariableId variable : skeleton) {
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
  for (const VariableId variable : skeleton) {
    if (local_of_[variable] == kNone) continue;
    for (const VariableId early : constraints_.Early(variable)) {
      if (local_of_[early] == kNone) continue;
      early_[local_of_[variable]].push_back(local_of_[early]);
      late_[local_of_[early]].push_back(local_of_[variable]);
    }
  }
  for (const uint32_t index : clusters) {
    const Cluster& cluster = clusters_[index];
    const bool gated = cluster.gate != kNoVariable && !cluster.is_tied;
    if (gated && constraints_.fate(cluster.gate) == Fate::kLost) continue;
    const bool untouched = !cluster.is_tied && (cluster_stamp_[index] != stamp_ || stamp_ == 0);
    const StateCount states = untouched ? cluster.total : CountCluster(cluster);
    if (gated && constraints_.fate(cluster.gate) == Fate::kOpen) {
      weight_[local_of_[cluster.gate]] *= states;
    } else {
      count *= states;
    }
  }
  if (!nodes.empty()) {
    count *= CountClosedSets(nodes);
    for (const VariableId variable : skeleton) local_of_[variable] = kNone;
  }
  return count;
}

bool StateCounter::IsOpen(const Cluster& cluster) const {
  return std::ranges::any_of(cluster.sectors, [this](const auto& writes) {
    return std::ranges::any_of(
        writes, [this](VariableId variable) { return constraints_.fate(variable) == Fate::kOpen; });
  });
}

// Counts where clusters have to do with each other: falls apart into what is still connected by
// open variables.
StateCount StateCounter::CountTied(const std::vector<VariableId>& skeleton,
                                   const std::vector<uint32_t>& clusters) {
  std::vector<VariableId> open;
  for (const VariableId variable : skeleton) {
    if (constraints_.fate(variable) == Fate::kOpen) open.push_back(variable);
  }
  // Nodes: first the variables, then the clusters.
  Unions unions(open.size() + clusters.size());
  std::map<VariableId, uint32_t> node_of;
  for (uint32_t i = 0; i < open.size(); ++i) node_of[open[i]] = i;
  std::map<int32_t, uint32_t> node_of_cluster;
  for (uint32_t i = 0; i < clusters.size(); ++i) {
    node_of_cluster[static_cast<int32_t>(clusters[i])] = static_cast<uint32_t>(open.size()) + i;
  }
  const auto node = [&](VariableId variable) {
    if (cluster_of_[variable] >= 0) return node_of_cluster.at(cluster_of_[variable]);
    return node_of.at(variable);
  };
  const auto join_early = [&](VariableId late) {
    for (const VariableId early : constraints_.Early(late)) {
      if (constraints_.fate(early) == Fate::kOpen) unions.Join(node(early), node(late));
    }
  };
  for (const VariableId variable : open) join_early(variable);
  for (const uint32_t index : clusters) {
    for (const auto& writes : clusters_[index].sectors) {
      for (const VariableId variable : writes) {
        if (constraints_.fate(variable) == Fate::kOpen) join_early(variable);
      }
    }
  }
  std::map<uint32_t, std::pair<std::vector<VariableId>, std::vector<uint32_t>>> connected;
  for (uint32_t i = 0; i < open.size(); ++i) connected[unions.Find(i)].first.push_back(open[i]);
  for (uint32_t i = 0; i < clusters.size(); ++i) {
    if (!IsOpen(clusters_[clusters[i]])) continue;
    const uint32_t root = unions.Find(static_cast<uint32_t>(open.size()) + i);
    connected[root].second.push_back(clusters[i]);
  }
  StateCount count = 1;
  for (const auto& [root, members] : connected) {
    const auto& [variables, pages] = members;
    const bool is_tied = !variables.empty() && std::ranges::any_of(pages, [this](uint32_t index) {
      return clusters_[index].is_tied;
    });
    if (is_tied) {
      count *= CountSplit(variables, pages);
    } else {
      count *= CountFree(variables, pages);
    }
    if (!exact_) return 1;
  }
  return count;
}

// Splits at the variable with the most open neighbours, the middle one of equals.
StateCount StateCounter::CountSplit(const std::vector<VariableId>& skeleton,
                                    const std::vector<uint32_t>& clusters) {
  if (splits_left_ == 0) {
    exact_ = false;
    return 1;
  }
  --splits_left_;
  const auto is_open = [this](VariableId variable) {
    return constraints_.fate(variable) == Fate::kOpen;
  };
  std::vector<VariableId> best;
  ptrdiff_t most = -1;
  for (const VariableId variable : skeleton) {
    const ptrdiff_t neighbours = std::ranges::count_if(constraints_.Early(variable), is_open) +
                                 std::ranges::count_if(constraints_.Late(variable), is_open);
    if (neighbours > most) best.clear();
    if (neighbours >= most) best.push_back(variable);
    most = std::max(most, neighbours);
  }
  const VariableId split = best[best.size() / 2];
  StateCount count = 0;
  for (const bool keep : {true, false}) {
    const size_t mark = constraints_.Mark();
    if (constraints_.Decide(split, keep)) count += CountTied(skeleton, clusters);
    constraints_.Undo(mark);
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
  for (const std::vector<VariableId>& writes : cluster.sectors) {
    const size_t count = writes.size();
    size_t least = 0;
    while (least < count && constraints_.fate(writes[least]) == Fate::kKept) {
      ++least;
    }
    size_t most = least;
    while (most < count && constraints_.fate(writes[most]) == Fate::kOpen) ++most;
    next.clear();
    for (const auto& [state, ways] : walk) {
      for (size_t version = least; version <= most; ++version) {
        uint64_t after = state;
        bool possible = true;
        for (size_t k = 0; k < count && possible; ++k) {
          const VariableId variable = writes[k];
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
  const bool is_forest =
      std::ranges::none_of(nodes, [&](uint32_t node) { return alive_early(node) > 1; });
  if (is_forest) {
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
  // Split at the node with the most neighbours, the middle one of equals: either it is kept, with
  // all it depends on, or it is lost, with all that depends on it.
  std::vector<uint32_t> best;
  ptrdiff_t most = -1;
  for (const uint32_t node : nodes) {
    const ptrdiff_t neighbours =
        alive_early(node) +
        std::ranges::count_if(late_[node], [&](uint32_t late) { return alive_[late] == stamp; });
    if (neighbours > most) best.clear();
    if (neighbours >= most) best.push_back(node);
    most = std::max(most, neighbours);
  }
  const uint32_t joint = best[best.size() / 2];
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
