#include "faults/litmus/disk.h"

#include <fmt/format.h>

namespace plugpull {

Expected<std::string> ImageDisk::ReadLink(std::string_view path) {
  const Expected<InodeId> inode = vfs_.image().names.Resolve(path);
  if (!inode) return std::unexpected(inode.error());
  const auto link = vfs_.image().links.find(*inode);
  if (link != vfs_.image().links.end()) return link->second;
  return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not a link", path));
}

Expected<std::optional<std::string>> ImageDisk::Attribute(std::string_view path,
                                                          std::string_view key) {
  const Expected<InodeId> inode = vfs_.image().names.Resolve(path);
  if (!inode) return std::unexpected(inode.error());
  const auto all = vfs_.image().attributes.find(*inode);
  if (all == vfs_.image().attributes.end()) return std::nullopt;
  const auto found = all->second.find(key);
  if (found == all->second.end()) return std::nullopt;
  return found->second;
}

}  // namespace plugpull
