#include "faults/vfs/name_tree.h"

#include <fmt/format.h>

namespace plugpull {

InodeId NameTree::At(InodeId directory, std::string_view name) const {
  const auto names = directories_.find(directory);
  if (names == directories_.end()) return kNoInode;
  const auto cell = names->second.find(name);
  return cell == names->second.end() ? kNoInode : cell->second;
}

void NameTree::Set(InodeId directory, std::string_view name, InodeId inode) {
  auto& names = directories_[directory];
  const auto cell = names.find(name);
  if (inode == kNoInode) {
    if (cell != names.end()) names.erase(cell);
  } else if (cell != names.end()) {
    cell->second = inode;
  } else {
    names.emplace(name, inode);
  }
}

Expected<NameCell> NameTree::Locate(std::string_view path) const {
  InodeId directory = kRootInode;
  while (true) {
    const size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    if (component.empty()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("empty path component in '{}'", path));
    }
    if (slash == std::string_view::npos) return NameCell{directory, std::string(component)};
    directory = At(directory, component);
    if (!IsDirectory(directory)) {
      return Fail(ErrorCode::kNotFound, fmt::format("no directory '{}'", component), ENOENT);
    }
    path.remove_prefix(slash + 1);
  }
}

Expected<InodeId> NameTree::Resolve(std::string_view path) const {
  if (path.empty()) return kRootInode;
  const Expected<NameCell> cell = Locate(path);
  if (!cell) return std::unexpected(cell.error());
  const InodeId inode = At(cell->directory, cell->name);
  if (inode == kNoInode) {
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  }
  return inode;
}

std::vector<std::string> NameTree::Names(InodeId directory) const {
  std::vector<std::string> names;
  const auto cells = directories_.find(directory);
  if (cells == directories_.end()) return names;
  for (const auto& [name, inode] : cells->second) names.push_back(name);
  return names;
}

Expected<void> CheckSameKind(bool moves_directory, bool replaces_directory, std::string_view to) {
  if (moves_directory && !replaces_directory) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is not a directory", to), ENOTDIR);
  }
  if (!moves_directory && replaces_directory) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", to), EISDIR);
  }
  return {};
}

bool IsInside(std::string_view path, std::string_view ancestor) {
  return path.size() > ancestor.size() && path.starts_with(ancestor) &&
         path[ancestor.size()] == '/';
}

}  // namespace plugpull
