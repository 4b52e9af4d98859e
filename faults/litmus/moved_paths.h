// The paths that what is in a folder has before and after the folder moves.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace plugpull {

struct MovedFolder {
  std::string from;
  std::string to;
};

// Returns: `paths`, and those that they become where any of the moves, which are in the order of
// the program, is made or undone.
std::set<std::string> WithMoved(std::set<std::string> paths, const std::vector<MovedFolder>& moves);

}  // namespace plugpull
