// Bytes and attributes of a ShownTree. Its names are in shown_tree.cpp.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "faults/base/descriptor.h"
#include "faults/doors/file_blocks.h"
#include "faults/doors/shown_tree.h"

namespace plugpull {
namespace {

constexpr std::string_view kUserXattr = "xattr:user.";
constexpr std::string_view kXattr = "xattr:";

// Returns: the value of an attribute, null when the image says nothing.
const std::string* Attribute(const Image& image, InodeId inode, std::string_view key) {
  const auto attributes = image.attributes.find(inode);
  if (attributes == image.attributes.end()) return nullptr;
  const auto found = attributes->second.find(key);
  return found == attributes->second.end() ? nullptr : &found->second;
}

std::map<std::string, std::string> XattrsIn(const Image& image, InodeId inode) {
  std::map<std::string, std::string> xattrs;
  const auto attributes = image.attributes.find(inode);
  if (attributes == image.attributes.end()) return xattrs;
  for (const auto& [key, value] : attributes->second) {
    if (key.starts_with(kUserXattr)) xattrs[key.substr(kXattr.size())] = value;
  }
  return xattrs;
}

}  // namespace

// Requires: the names above `entry` are as the image has them.
Expected<void> ShownTree::Refresh(Entry& entry, const Image& image) {
  if (entry.kind == Kind::kFile) return RefreshFile(entry.inode, image);
  if (entry.kind == Kind::kDirectory) {
    if (auto done = Fill(entry, image); !done) return done;
  }
  return RefreshStamp(entry.stamp, entry.kind, entry.inode, image);
}

Expected<void> ShownTree::RefreshFile(InodeId inode, const Image& image) {
  static const FileContent kEmpty;
  File& file = files_.at(inode);
  if (file.round == round_) return {};
  file.round = round_;
  const auto content = image.files.find(inode);
  const FileContent& wanted = content == image.files.end() ? kEmpty : content->second;
  if (auto done = RefreshBytes(file, wanted); !done) return done;
  return RefreshStamp(file.stamp, Kind::kFile, inode, image);
}

Expected<void> ShownTree::RefreshBytes(File& file, const FileContent& wanted) {
  std::vector<uint64_t> pages;
  if (file.content_known) {
    pages = file.content.PagesUnlike(wanted);
    if (pages.empty() && file.content.size_bytes() == wanted.size_bytes()) return {};
  }
  constexpr int kFlags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
  Descriptor opened(openat(base_, path_.c_str(), kFlags));
  if (!opened.is_open() && errno == EACCES) {
    // Its mode is brought back with its stamp.
    if (fchmodat(base_, path_.c_str(), 0600, 0) != 0) return Trouble("cannot open", errno);
    file.stamp.stale = true;
    opened = Descriptor(openat(base_, path_.c_str(), kFlags));
  }
  if (!opened.is_open()) return Trouble("cannot open", errno);
  file.stamp.stale = true;
  const int os_errno = file.content_known ? WritePages(opened.number(), wanted, pages)
                                          : WriteComparing(opened.number(), wanted);
  if (os_errno != 0) return Trouble("cannot write", os_errno);
  file.content = wanted;
  file.content_known = true;
  return {};
}

Expected<void> ShownTree::RefreshStamp(Stamp& stamp, Kind kind, InodeId inode, const Image& image) {
  struct stat& status = stamp.status;
  const auto look = [&] {
    return Check(fstatat(base_, path_.c_str(), &status, AT_SYMLINK_NOFOLLOW), "cannot look at");
  };
  if (stamp.stale) {
    if (auto done = look(); !done) return done;
  }
  Expected<void> done;
  if (kind != Kind::kLink) done = RefreshXattrs(stamp, inode, image);
  if (done) done = RefreshOwnerAndMode(stamp, kind, inode, image);
  if (!done) return done;
  const bool moved = !SameTime(status.st_mtim, kShownTimes[1]) ||
                     (kind == Kind::kFile && !SameTime(status.st_atim, kShownTimes[0]));
  if (!moved && !stamp.stale) return {};
  stamp.stale = false;
  if (moved) {
    done = Check(utimensat(base_, path_.c_str(), kShownTimes.data(), AT_SYMLINK_NOFOLLOW),
                 "cannot set the times of");
  }
  return done ? look() : done;
}

Expected<void> ShownTree::RefreshOwnerAndMode(Stamp& stamp, Kind kind, InodeId inode,
                                              const Image& image) {
  const std::string* owner_text = Attribute(image, inode, "owner");
  const Owner owner =
      owner_text == nullptr ? default_owner_ : ParseOwner(*owner_text).value_or(default_owner_);
  bool set_mode = false;
  if (own_.user == 0 && owner != Owner{stamp.status.st_uid, stamp.status.st_gid}) {
    const int result = fchownat(base_, path_.c_str(), owner.user, owner.group, AT_SYMLINK_NOFOLLOW);
    // Not every root may give files to everybody: in a container, some owners do not exist.
    if (result != 0 && errno != EPERM && errno != EINVAL) return Trouble("cannot give away", errno);
    stamp.stale = true;
    set_mode = true;  // a new owner loses the set-id bits
  }
  if (kind == Kind::kLink) return {};
  const std::string* mode_text = Attribute(image, inode, "mode");
  const mode_t creation_mode = CreationMode(kind == Kind::kDirectory);
  const mode_t mode =
      mode_text == nullptr ? creation_mode : ParseMode(*mode_text).value_or(creation_mode);
  if (!set_mode && (stamp.status.st_mode & 07777) == mode) return {};
  stamp.stale = true;
  return Check(fchmodat(base_, path_.c_str(), mode, 0), "cannot set the mode of");
}

Expected<void> ShownTree::RefreshXattrs(Stamp& stamp, InodeId inode, const Image& image) {
  if (stamp.xattrs_known && stamp.xattrs.empty() && !image.attributes.contains(inode)) return {};
  std::map<std::string, std::string> wanted = XattrsIn(image, inode);
  if (stamp.xattrs_known && stamp.xattrs == wanted) return {};
  const std::string path = fmt::format("/proc/self/fd/{}/{}", base_, path_);
  std::string keys(64 << 10, '\0');  // the most that Linux gives
  const ssize_t length = listxattr(path.c_str(), keys.data(), keys.size());
  if (length < 0 && errno != ENOTSUP) return Trouble("cannot look at the attributes of", errno);
  std::string_view rest(keys.data(), static_cast<size_t>(std::max<ssize_t>(length, 0)));
  stamp.xattrs_known = true;
  stamp.xattrs.clear();
  std::vector<std::string> old;
  while (!rest.empty()) {
    const std::string key(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(key.size() + 1, rest.size()));
    if (key.starts_with("user.")) old.push_back(key);
  }
  if (old.empty() && wanted.empty()) return {};
  if (own_.user != 0) {
    // Who may not write, may not set; the mode is brought back next.
    if (fchmodat(base_, path_.c_str(), stamp.status.st_mode | 0600, 0) != 0) {
      return Trouble("cannot open", errno);
    }
    stamp.status.st_mode |= 0600;
  }
  stamp.stale = true;
  for (const std::string& key : old) {
    if (auto done = Check(removexattr(path.c_str(), key.c_str()), "cannot change"); !done) {
      return done;
    }
  }
  for (const auto& [key, value] : wanted) {
    if (setxattr(path.c_str(), key.c_str(), value.data(), value.size(), 0) != 0) {
      return Trouble("cannot set an extended attribute (set TMPDIR to a file system with them) of",
                     errno);
    }
  }
  stamp.xattrs = std::move(wanted);
  return {};
}

}  // namespace plugpull
