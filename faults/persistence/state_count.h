// Counts crash states: complete ways to keep and lose what is undecided. The explorer adds up what
// its executions cover and compares with the total, which is the proof that nothing was skipped.
//
// The graph falls into components that have nothing to do with one another, so counts multiply.
// Inside a component, the sectors of one page are counted by a walk along the page, and the rest as
// closed sets of a partial order: in one pass where it is a forest, else by splitting it at a
// variable, which is kept in one half of the states and lost in the other. Where that would take
// too long the count is not exact, and says so.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <cstdint>
#include <vector>

#include "faults/persistence/crash_graph.h"

namespace plugpull {

using StateCount = boost::multiprecision::cpp_int;

class StateCounter {
 public:
  // Requires: nothing of `graph` is decided; it outlives the counter and is not built anew. The
  // counter decides and undoes variables while it counts.
  explicit StateCounter(CrashGraph& graph);

  // Returns: the number of crash states of the point, at least 1.
  const StateCount& total() const { return total_; }

  // False: total() and CountAgreeing() are lower bounds.
  bool exact() const { return exact_; }

  // Returns: the number of crash states that agree with all that is decided now. Every decided
  // variable must be on the trail of the graph's constraints.
  StateCount CountAgreeing();

 private:
  // The sectors of one page of one file, where parts tie them together.
  struct Cluster {
    VariableId gate = kNoVariable;                 // must be kept before anything here can be
    bool is_tied = false;                          // has edges to others than the gate
    std::vector<std::vector<VariableId>> sectors;  // of each: its writes, oldest first
    std::vector<int32_t> parts;                    // indices in Constraints::parts()
    StateCount total = 0;                          // with nothing decided
  };
  struct Component {
    std::vector<VariableId> skeleton;  // variables that are not in a cluster
    std::vector<uint32_t> clusters;
    bool is_tied = false;  // some cluster is
    StateCount total;
  };

  void FindClusters();
  void FindComponents();
  void FindHiddenSectors();
  void TieClusters();
  StateCount CountComponent(const Component& component);
  StateCount CountFree(const std::vector<VariableId>& skeleton,
                       const std::vector<uint32_t>& clusters);
  StateCount CountTied(const std::vector<VariableId>& skeleton,
                       const std::vector<uint32_t>& clusters);
  StateCount CountSplit(const std::vector<VariableId>& skeleton,
                        const std::vector<uint32_t>& clusters);
  bool IsOpen(const Cluster& cluster) const;
  StateCount CountCluster(const Cluster& cluster);
  StateCount CountClosedSets(const std::vector<uint32_t>& nodes);
  StateCount CountConnected(const std::vector<uint32_t>& nodes);

  CrashGraph& graph_;
  Constraints& constraints_;
  bool exact_ = true;
  StateCount total_ = 1;
  std::vector<Cluster> clusters_;
  std::vector<Component> components_;
  std::vector<int32_t> cluster_of_;          // by variable, -1 for the skeleton
  std::vector<const UnitChain*> sector_of_;  // by variable, of those in a cluster
  std::vector<uint32_t> component_of_;       // by variable
  std::vector<uint32_t> cluster_stamp_;
  std::vector<uint32_t> touched_;
  std::vector<uint32_t> touched_stamp_;
  uint32_t stamp_ = 0;

  // Work space of CountClosedSets: the open skeleton variables of one component, numbered.
  std::vector<std::vector<uint32_t>> early_;
  std::vector<std::vector<uint32_t>> late_;
  std::vector<StateCount> weight_;
  std::vector<uint32_t> local_of_;  // by variable
  std::vector<uint32_t> alive_;     // by node: the stamp of the set that it is in
  uint32_t alive_stamp_ = 0;
  uint32_t splits_left_ = 0;
};

}  // namespace plugpull
