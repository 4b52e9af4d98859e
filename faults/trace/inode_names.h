// What each inode is called, while the operations of a trace go by.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "faults/trace/trace.h"

namespace plugpull {

class InodeNames {
 public:
  // Goes past an operation. One that failed changes nothing.
  void Apply(const Op& op);

  // Returns: the path of an inode, or the last that it had; "" for the recorded directory and for
  // one that never had a name.
  std::string PathOf(InodeId inode) const;

  // Returns: the paths of all that ever had a name, and of the recorded directory.
  std::map<InodeId, std::string> Paths() const;

 private:
  using Place = std::pair<InodeId, std::string>;  // a directory and a name in it

  void Add(InodeId inode, Place place) { places_[inode].push_back(std::move(place)); }
  void Remove(InodeId inode, const Place& place);

  std::map<InodeId, std::vector<Place>> places_;  // the names of each, the latest last
};

}  // namespace plugpull
