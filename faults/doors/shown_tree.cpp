#include "faults/doors/shown_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "faults/base/assert.h"
#include "faults/base/descriptor.h"
#include "faults/doors/remove_tree.h"

namespace plugpull {
namespace {

std::string SparePath(InodeId inode) { return fmt::format("spare/{}", inode); }

// The path of what is looked at, one component longer for a while.
class Descent {
 public:
  Descent(std::string& path, std::string_view name) : path_(path), length_(path.size()) {
    path_ += '/';
    path_ += name;
  }
  ~Descent() { path_.resize(length_); }
  Descent(const Descent&) = delete;
  Descent& operator=(const Descent&) = delete;

 private:
  std::string& path_;
  size_t length_;
};

}  // namespace

Expected<bool> ShownTree::Show(const Image& image) {
  ++round_;
  struct stat status = {};
  if (root_.stamp.status.st_ino == 0 && fstatat(base_, path_.c_str(), &status, 0) == 0) {
    root_.stamp.status = status;
  }
  const Expected<bool> is_there = Survey(root_);
  if (!is_there || !*is_there) return is_there;
  default_owner_ = own_;
  const auto attributes = image.attributes.find(kRootInode);
  if (attributes != image.attributes.end() && attributes->second.contains("owner")) {
    default_owner_ = ParseOwner(attributes->second.find("owner")->second).value_or(own_);
  }
  Expected<void> done = Clear(root_, image);
  if (done) done = Refresh(root_, image);
  if (done) done = DropSpares();
  if (!done) return std::unexpected(done.error());
  return true;
}

// --- What was done to the tree ---

// Returns: false when what stands at the path is not what was put there.
Expected<bool> ShownTree::Survey(Entry& entry) {
  struct stat status = {};
  if (fstatat(base_, path_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return Trouble("cannot look at", errno);
  }
  Stamp& stamp = StampOf(entry);
  const struct stat& known = stamp.status;
  if (status.st_ino != known.st_ino || ((status.st_mode ^ known.st_mode) & S_IFMT) != 0) {
    return false;
  }
  const bool is_untouched = SameTime(status.st_mtim, kShownTimes[1]) &&
                            SameTime(status.st_ctim, known.st_ctim) &&
                            status.st_size == known.st_size;
  if (!is_untouched) stamp.xattrs_known = false;
  stamp.status = status;
  if (entry.kind == Kind::kFile) {
    const bool is_unseen = mapping_moves_time_ && SameTime(status.st_atim, kShownTimes[0]);
    if (!is_untouched || !is_unseen) files_.at(entry.inode).content_known = false;
  } else if (entry.kind == Kind::kDirectory) {
    if (own_.user != 0 && (status.st_mode & S_IRWXU) != S_IRWXU) {
      if (fchmodat(base_, path_.c_str(), S_IRWXU, 0) != 0) return Trouble("cannot open", errno);
      stamp.stale = true;
      stamp.status.st_mode |= S_IRWXU;
    }
    const Expected<void> done = SurveyNames(entry, !is_untouched);
    if (!done) return std::unexpected(done.error());
  }
  return true;
}

Expected<void> ShownTree::SurveyNames(Entry& directory, bool has_other_names) {
  if (has_other_names) {
    if (auto done = RemoveUnknownNames(directory); !done) return done;
  }
  for (auto entry = directory.entries.begin(); entry != directory.entries.end();) {
    const Descent descent(path_, entry->first);
    const Expected<bool> is_there = Survey(entry->second);
    if (!is_there) return std::unexpected(is_there.error());
    if (*is_there) {
      ++entry;
      continue;
    }
    if (auto done = RemoveTree(base_, path_); !done) return done;
    Forget(entry->second);
    entry = directory.entries.erase(entry);
    directory.stamp.stale = true;
  }
  return {};
}

Expected<void> ShownTree::RemoveUnknownNames(const Entry& directory) {
  std::vector<std::string> unknown;
  {
    Descriptor opened(
        openat(base_, path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    DIR* stream = opened.is_open() ? fdopendir(dup(opened.number())) : nullptr;
    if (stream == nullptr) return Trouble("cannot open", errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> owner(stream, &closedir);
    while (const dirent* found = readdir(stream)) {
      const std::string_view name = found->d_name;
      if (name != "." && name != ".." && !directory.entries.contains(name)) {
        unknown.emplace_back(name);
      }
    }
  }
  for (const std::string& name : unknown) {
    if (auto done = RemoveTree(base_, path_ + "/" + name); !done) return done;
  }
  return {};
}

// Names that are gone already.
void ShownTree::Forget(const Entry& entry) {
  for (const auto& [name, inner] : entry.entries) Forget(inner);
  if (entry.kind != Kind::kFile) return;
  const auto file = files_.find(entry.inode);
  if (--file->second.names == 0) files_.erase(file);
}

// --- Names ---

Expected<void> ShownTree::Clear(Entry& directory, const Image& image) {
  ancestors_.push_back(directory.inode);
  for (auto entry = directory.entries.begin(); entry != directory.entries.end();) {
    const InodeId wanted = image.names.At(directory.inode, entry->first);
    const Descent descent(path_, entry->first);
    const bool stays = wanted == entry->second.inode &&
                       KindIn(image, wanted) == entry->second.kind && !IsAncestor(wanted);
    const Expected<void> done = !stays ? ClearEntry(entry->second, image)
                                : entry->second.kind == Kind::kDirectory
                                    ? Clear(entry->second, image)
                                    : Expected<void>();
    if (!done) return done;
    if (!stays) directory.stamp.stale = true;
    entry = stays ? std::next(entry) : directory.entries.erase(entry);
  }
  ancestors_.pop_back();
  return {};
}

Expected<void> ShownTree::ClearEntry(const Entry& entry, const Image& image) {
  if (entry.kind == Kind::kLink) return Check(unlinkat(base_, path_.c_str(), 0), "cannot remove");
  if (entry.kind == Kind::kDirectory) {
    for (const auto& [name, inner] : entry.entries) {
      const Descent descent(path_, name);
      if (auto done = ClearEntry(inner, image); !done) return done;
    }
    return Check(unlinkat(base_, path_.c_str(), AT_REMOVEDIR), "cannot remove");
  }
  // A file that loses its last name may get another one: renames move no bytes.
  const auto file = files_.find(entry.inode);
  file->second.stamp.stale = true;
  if (file->second.names == 1 && image.files.contains(entry.inode)) {
    file->second.names = 0;
    file->second.is_spare = true;
    has_spares_ = true;
    return Check(renameat(base_, path_.c_str(), base_, SparePath(entry.inode).c_str()),
                 "cannot move");
  }
  if (--file->second.names == 0) files_.erase(file);
  return Check(unlinkat(base_, path_.c_str(), 0), "cannot remove");
}

Expected<void> ShownTree::Fill(Entry& directory, const Image& image) {
  ancestors_.push_back(directory.inode);
  const auto& directories = image.names.directories();
  const auto wanted = directories.find(directory.inode);
  if (wanted != directories.end()) {
    for (const auto& [name, inode] : wanted->second) {
      if (IsAncestor(inode)) continue;
      const Descent descent(path_, name);
      auto entry = directory.entries.find(name);
      if (entry == directory.entries.end()) {
        Entry added;
        added.kind = KindIn(image, inode);
        added.inode = inode;
        if (auto done = Add(added.kind, inode, image); !done) return done;
        entry = directory.entries.emplace(name, std::move(added)).first;
        directory.stamp.stale = true;
      }
      if (auto done = Refresh(entry->second, image); !done) return done;
    }
  }
  ancestors_.pop_back();
  return {};
}

Expected<void> ShownTree::Add(Kind kind, InodeId inode, const Image& image) {
  switch (kind) {
    case Kind::kDirectory:
      return Check(mkdirat(base_, path_.c_str(), 0755), "cannot create");
    case Kind::kLink:
      return Check(symlinkat(image.links.at(inode).c_str(), base_, path_.c_str()), "cannot create");
    case Kind::kFile:
      return AddFile(inode);
  }
  return {};
}

Expected<void> ShownTree::AddFile(InodeId inode) {
  File& file = files_[inode];
  file.stamp.stale = true;
  ++file.names;
  if (file.is_spare) {
    file.is_spare = false;
    return Check(renameat(base_, SparePath(inode).c_str(), base_, path_.c_str()), "cannot move");
  }
  if (file.names > 1) {
    const std::optional<std::string> other = PathOf(root_, inode, "image");
    Assert(other.has_value(), "a file that has names is somewhere in the tree");
    return Check(linkat(base_, other->c_str(), base_, path_.c_str(), 0), "cannot link");
  }
  file.content = FileContent();
  file.content_known = true;
  const Descriptor created(
      openat(base_, path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  return Check(created.number(), "cannot create");
}

Expected<void> ShownTree::DropSpares() {
  if (!has_spares_) return {};
  has_spares_ = false;
  for (auto file = files_.begin(); file != files_.end();) {
    if (!file->second.is_spare) {
      ++file;
      continue;
    }
    const int result = unlinkat(base_, SparePath(file->first).c_str(), 0);
    if (auto done = Check(result, "cannot remove a file that was at"); !done) return done;
    file = files_.erase(file);
  }
  return {};
}

// --- Helpers ---

// Returns: where the tree has a file.
std::optional<std::string> ShownTree::PathOf(const Entry& directory, InodeId file,
                                             std::string path) {
  for (const auto& [name, entry] : directory.entries) {
    if (entry.kind == Kind::kFile && entry.inode == file) return path + "/" + name;
    if (entry.kind != Kind::kDirectory) continue;
    if (auto found = PathOf(entry, file, path + "/" + name)) return found;
  }
  return std::nullopt;
}

ShownTree::Kind ShownTree::KindIn(const Image& image, InodeId inode) {
  if (image.names.IsDirectory(inode)) return Kind::kDirectory;
  return image.links.contains(inode) ? Kind::kLink : Kind::kFile;
}

bool ShownTree::IsAncestor(InodeId inode) const {
  return std::ranges::find(ancestors_, inode) != ancestors_.end();
}

ShownTree::Stamp& ShownTree::StampOf(Entry& entry) {
  return entry.kind == Kind::kFile ? files_.at(entry.inode).stamp : entry.stamp;
}

std::unexpected<Error> ShownTree::Trouble(const char* what, int os_errno) const {
  return FailErrno(fmt::format("{} '{}'", what, path_), os_errno);
}

Expected<void> ShownTree::Check(int result, const char* what) const {
  return result >= 0 ? Expected<void>() : Trouble(what, errno);
}

}  // namespace plugpull
