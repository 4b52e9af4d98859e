#include "faults/litmus/moved_paths.h"

#include <ranges>

namespace plugpull {
namespace {

// More than any program names that a person writes; exchanges of folders multiply paths.
constexpr size_t kMostPaths = 4096;

void AddMoved(std::set<std::string>& paths, const std::string& from, const std::string& to) {
  const std::string folder = from + "/";
  std::set<std::string> moved;
  for (const std::string& path : paths) {
    if (path.starts_with(folder)) moved.insert(to + "/" + path.substr(folder.size()));
  }
  if (paths.size() + moved.size() <= kMostPaths) paths.merge(moved);
}

}  // namespace

std::set<std::string> WithMoved(std::set<std::string> paths,
                                const std::vector<MovedFolder>& moves) {
  for (const MovedFolder& move : moves) AddMoved(paths, move.from, move.to);
  for (const MovedFolder& move : std::views::reverse(moves)) AddMoved(paths, move.to, move.from);
  return paths;
}

}  // namespace plugpull
