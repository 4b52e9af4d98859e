#include "faults/doors/fuse_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "faults/doors/attribute_text.h"

namespace plugpull {
namespace {

using Kind = CrashView::Entry::Kind;
using Bytes = std::span<const std::byte>;

// The kernel may keep what it was told until the execution ends: its inodes are new in the next.
constexpr uint64_t kForeverSeconds = 1U << 30;
constexpr uint32_t kBlockBytes = 4096;
constexpr uint64_t kFreeBlocks = 1U << 20;

// Requires: the body is as long as the kernel makes it.
template <typename T>
T Take(Bytes body) {
  T value{};
  std::memcpy(&value, body.data(), std::min(sizeof value, body.size()));
  return value;
}

// Returns: the text that begins `at`, up to its zero.
std::string_view Text(Bytes body, size_t at = 0) {
  if (at >= body.size()) return "";
  const auto* text = reinterpret_cast<const char*>(body.data()) + at;
  return {text, ::strnlen(text, body.size() - at)};
}

std::string Join(const std::string& directory, std::string_view name) {
  return directory.empty() ? std::string(name) : fmt::format("{}/{}", directory, name);
}

}  // namespace

void FuseFiles::Begin(CrashView& view) {
  End();
  view_ = &view;
  ++execution_;
  nodes_[kRootInode].kind = Kind::kDirectory;
}

void FuseFiles::End() {
  nodes_.clear();
  view_ = nullptr;
}

FuseFiles::Answer FuseFiles::Failed(const Error& error) {
  return Failed(error.os_errno != 0 ? error.os_errno : EIO);
}

template <typename T>
FuseFiles::Answer FuseFiles::Reply(const T& value) {
  reply_.resize(sizeof value);
  std::memcpy(reply_.data(), &value, sizeof value);
  return {.bytes = reply_};
}

FuseFiles::Answer FuseFiles::Refuse(std::string_view what, int error_number) {
  if (refused_.empty()) refused_ = what;
  return Failed(error_number);
}

FuseFiles::Node* FuseFiles::Find(uint64_t node_id) {
  if (view_ == nullptr || node_id >> 32 != execution_) return nullptr;
  const auto found = nodes_.find(static_cast<InodeId>(node_id));
  return found == nodes_.end() ? nullptr : &found->second;
}

FuseFiles::Answer FuseFiles::Serve(const fuse_in_header& header, Bytes body) {
  switch (header.opcode) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return {.bytes = {}, .is_none = true};
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      return {};
    case FUSE_STATFS: {
      fuse_statfs_out out{};
      out.st.bsize = out.st.frsize = kBlockBytes;
      out.st.blocks = out.st.bfree = out.st.bavail = out.st.files = out.st.ffree = kFreeBlocks;
      out.st.namelen = NAME_MAX;
      return Reply(out);
    }
    default:
      break;
  }
  if (header.nodeid == FUSE_ROOT_ID) return ServeRoot(header, body);
  Node* node = Find(header.nodeid);
  if (node != nullptr) return ServeNode(header, body, *node);
  // What a process still writes that has mapped a file of an execution before is of no interest.
  if (header.opcode == FUSE_WRITE) {
    const fuse_write_out out{.size = Take<fuse_write_in>(body).size, .padding = 0};
    return Reply(out);
  }
  return Failed(ESTALE);
}

// The root of the mount has one name, which stands for another directory in each execution.
FuseFiles::Answer FuseFiles::ServeRoot(const fuse_in_header& header, Bytes body) {
  if (header.opcode == FUSE_LOOKUP) {
    if (view_ == nullptr || Text(body) != kTree) return Failed(ENOENT);
    Answer answer = Lookup("");
    if (answer.error_number == 0) {
      auto entry = Take<fuse_entry_out>(answer.bytes);
      entry.entry_valid = 0;
      return Reply(entry);
    }
    return answer;
  }
  if (header.opcode == FUSE_GETATTR) {
    fuse_attr_out out{};
    out.attr_valid = kForeverSeconds;
    out.attr.ino = FUSE_ROOT_ID;
    out.attr.mode = S_IFDIR | CreationMode(/*is_directory=*/true);
    out.attr.nlink = 2;
    return Reply(out);
  }
  if (header.opcode == FUSE_OPENDIR) return Reply(fuse_open_out{});
  if (header.opcode == FUSE_READDIR) return {};
  return Failed(header.opcode == FUSE_ACCESS ? ENOSYS : EPERM);
}

FuseFiles::Answer FuseFiles::ServeNode(const fuse_in_header& header, Bytes body, Node& node) {
  const auto at = [&](size_t offset = 0) { return Join(node.path, Text(body, offset)); };
  switch (header.opcode) {
    case FUSE_LOOKUP:
      return Lookup(at());
    case FUSE_GETATTR:
      return GetAttributes(header.nodeid, node);
    case FUSE_SETATTR:
      return SetAttributes(Take<fuse_setattr_in>(body), header.nodeid, node);
    case FUSE_READLINK:
      return ReadLink(node);
    case FUSE_MKNOD: {
      if (!S_ISREG(Take<fuse_mknod_in>(body).mode)) return Refuse("mknod", EOPNOTSUPP);
      const std::string path = at(sizeof(fuse_mknod_in));
      const auto made = view_->Open(path, {.create = true, .exclusive = true});
      return made ? Lookup(path) : Failed(made.error());
    }
    case FUSE_MKDIR: {
      const std::string path = at(sizeof(fuse_mkdir_in));
      const Expected<void> made = view_->MakeDirectory(path);
      return made ? Lookup(path) : Failed(made.error());
    }
    case FUSE_UNLINK:
    case FUSE_RMDIR:
      return Remove(at(), header.opcode == FUSE_RMDIR);
    case FUSE_RENAME:
      return Rename(Take<fuse_rename_in>(body).newdir, 0,
                    {reinterpret_cast<const char*>(body.data()) + sizeof(fuse_rename_in),
                     body.size() - sizeof(fuse_rename_in)},
                    node);
    case FUSE_RENAME2: {
      const auto in = Take<fuse_rename2_in>(body);
      return Rename(
          in.newdir, in.flags,
          {reinterpret_cast<const char*>(body.data()) + sizeof in, body.size() - sizeof in}, node);
    }
    case FUSE_LINK:
      return Link(body, node);
    case FUSE_OPEN:
      return Open(Take<fuse_open_in>(body), node);
    case FUSE_CREATE:
      return Create(body, node);
    case FUSE_READ:
      return Read(Take<fuse_read_in>(body), node);
    case FUSE_WRITE:
      return Write(body, node);
    case FUSE_FALLOCATE:
      return Allocate(Take<fuse_fallocate_in>(body), node);
    case FUSE_OPENDIR:
      return Reply(fuse_open_out{});
    case FUSE_READDIR:
      return List(Take<fuse_read_in>(body), node);
    case FUSE_SYMLINK:
      return Refuse("symlink", EPERM);
    case FUSE_SETXATTR:
    case FUSE_REMOVEXATTR:
      return Refuse("an extended attribute", EOPNOTSUPP);
    // ENOSYS: the kernel does without, and does not ask again. For FSYNC and FLUSH, that is
    // success.
    default:
      return Failed(ENOSYS);
  }
}

Expected<VfsFile*> FuseFiles::FileOf(Node& node) {
  if (node.file == nullptr) {
    if (!node.has_name) return Fail(ErrorCode::kIo, "the file has no name any more", ESTALE);
    Expected<std::unique_ptr<VfsFile>> opened = view_->Open(node.path, {});
    if (!opened) return std::unexpected(opened.error());
    node.file = std::move(*opened);
  }
  return node.file.get();
}

Expected<fuse_attr> FuseFiles::Attributes(InodeId inode, Node& node) {
  fuse_attr attributes{};
  attributes.ino = inode;
  attributes.blksize = kBlockBytes;
  attributes.nlink = node.kind == Kind::kDirectory ? 2 : 1;
  attributes.uid = ::geteuid();
  attributes.gid = ::getegid();
  attributes.mode = CreationMode(node.kind == Kind::kDirectory);
  if (node.has_name) {
    const auto mode = view_->Attribute(node.path, "mode");
    if (mode && *mode) attributes.mode = ParseMode(**mode).value_or(attributes.mode);
    const auto owner = view_->Attribute(node.path, "owner");
    if (const auto parsed = owner && *owner ? ParseOwner(**owner) : std::nullopt) {
      attributes.uid = parsed->user;
      attributes.gid = parsed->group;
    }
  }
  attributes.mode = node.mode.value_or(attributes.mode);
  if (node.kind == Kind::kDirectory) {
    attributes.mode |= S_IFDIR;
  } else if (node.kind == Kind::kLink) {
    const Expected<std::string> text = view_->ReadLink(node.path);
    if (!text) return std::unexpected(text.error());
    attributes.mode |= S_IFLNK;
    attributes.size = text->size();
  } else {
    const Expected<VfsFile*> file = FileOf(node);
    if (!file) return std::unexpected(file.error());
    const Expected<uint64_t> size = (*file)->Size();
    if (!size) return std::unexpected(size.error());
    attributes.mode |= S_IFREG;
    attributes.size = *size;
  }
  attributes.blocks = (attributes.size + 511) / 512;
  return attributes;
}

Expected<fuse_entry_out> FuseFiles::EntryAt(const std::string& path) {
  const Expected<CrashView::Entry> found = view_->Find(path);
  if (!found) return std::unexpected(found.error());
  Node& node = nodes_[found->inode];
  node.kind = found->kind;
  node.path = path;
  node.has_name = true;
  const Expected<fuse_attr> attributes = Attributes(found->inode, node);
  if (!attributes) return std::unexpected(attributes.error());
  fuse_entry_out out{};
  out.nodeid = NodeIdOf(found->inode);
  out.entry_valid = out.attr_valid = kForeverSeconds;
  out.attr = *attributes;
  return out;
}

FuseFiles::Answer FuseFiles::Lookup(const std::string& path) {
  const Expected<fuse_entry_out> entry = EntryAt(path);
  if (entry) return Reply(*entry);
  if (entry.error().code != ErrorCode::kNotFound) return Failed(entry.error());
  fuse_entry_out missing{};  // node 0: that there is no such name may be kept, too
  missing.entry_valid = kForeverSeconds;
  return Reply(missing);
}

FuseFiles::Answer FuseFiles::GetAttributes(uint64_t node_id, Node& node) {
  const Expected<fuse_attr> attributes = Attributes(static_cast<InodeId>(node_id), node);
  if (!attributes) return Failed(attributes.error());
  fuse_attr_out out{};
  out.attr_valid = kForeverSeconds;
  out.attr = *attributes;
  return Reply(out);
}

// Owners and times may be set and are not kept.
FuseFiles::Answer FuseFiles::SetAttributes(const fuse_setattr_in& in, uint64_t node_id,
                                           Node& node) {
  if ((in.valid & FATTR_MODE) != 0) node.mode = in.mode & 07777;
  if ((in.valid & FATTR_SIZE) != 0) {
    const Expected<VfsFile*> file = FileOf(node);
    if (!file) return Failed(file.error());
    if (const Expected<void> cut = (*file)->Truncate(in.size); !cut) return Failed(cut.error());
  }
  return GetAttributes(node_id, node);
}

FuseFiles::Answer FuseFiles::Open(const fuse_open_in& in, Node& node) {
  const Expected<VfsFile*> file = FileOf(node);
  if (!file) return Failed(file.error());
  if ((in.flags & O_TRUNC) != 0) {
    if (const Expected<void> cut = (*file)->Truncate(0); !cut) return Failed(cut.error());
  }
  fuse_open_out out{};
  out.open_flags = FOPEN_DIRECT_IO;
  return Reply(out);
}

FuseFiles::Answer FuseFiles::Create(Bytes body, const Node& directory) {
  const auto in = Take<fuse_create_in>(body);
  const std::string path = Join(directory.path, Text(body, sizeof in));
  const auto made = view_->Open(path, {.create = true,
                                       .exclusive = (in.flags & O_EXCL) != 0,
                                       .truncate = (in.flags & O_TRUNC) != 0});
  if (!made) return Failed(made.error());
  struct {
    fuse_entry_out entry;
    fuse_open_out open;
  } out{};
  const Expected<fuse_entry_out> entry = EntryAt(path);
  if (!entry) return Failed(entry.error());
  out.entry = *entry;
  out.open.open_flags = FOPEN_DIRECT_IO;
  return Reply(out);
}

FuseFiles::Answer FuseFiles::Read(const fuse_read_in& in, Node& node) {
  const Expected<VfsFile*> file = FileOf(node);
  if (!file) return Failed(file.error());
  reply_.resize(in.size);
  const Expected<size_t> read = (*file)->Read(in.offset, reply_);
  if (!read) return Failed(read.error());
  return {.bytes = Bytes(reply_).first(*read)};
}

FuseFiles::Answer FuseFiles::Write(Bytes body, Node& node) {
  const auto in = Take<fuse_write_in>(body);
  const Expected<VfsFile*> file = FileOf(node);
  if (!file) return Failed(file.error());
  if (body.size() < sizeof in + in.size) return Failed(EIO);
  const Expected<void> written = (*file)->Write(in.offset, body.subspan(sizeof in, in.size));
  if (!written) return Failed(written.error());
  return Reply(fuse_write_out{.size = in.size, .padding = 0});
}

FuseFiles::Answer FuseFiles::List(const fuse_read_in& in, Node& node) {
  if (in.offset == 0) {
    Expected<std::vector<std::string>> names = view_->List(node.path);
    if (!names) return Failed(names.error());
    node.names = std::move(*names);
    node.names.insert(node.names.begin(), {".", ".."});
  }
  reply_.clear();
  for (size_t i = in.offset; i < node.names.size(); ++i) {
    const std::string& name = node.names[i];
    fuse_dirent entry{};
    entry.ino = FUSE_ROOT_ID;
    entry.off = i + 1;
    entry.namelen = static_cast<uint32_t>(name.size());
    entry.type = DT_DIR;
    if (i >= 2) {
      const Expected<CrashView::Entry> found = view_->Find(Join(node.path, name));
      if (!found) continue;  // it was removed while it was listed
      entry.ino = found->inode;
      if (found->kind != Kind::kDirectory) {
        entry.type = found->kind == Kind::kLink ? DT_LNK : DT_REG;
      }
    }
    const size_t begin = reply_.size();
    const size_t end = begin + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name.size());
    if (end > in.size) break;
    reply_.resize(end);
    std::memcpy(reply_.data() + begin, &entry, FUSE_NAME_OFFSET);
    std::memcpy(reply_.data() + begin + FUSE_NAME_OFFSET, name.data(), name.size());
  }
  return {.bytes = reply_};
}

FuseFiles::Answer FuseFiles::Remove(const std::string& path, bool is_directory) {
  // A file may be in use without its name.
  const Expected<CrashView::Entry> found = view_->Find(path);
  if (!found) return Failed(found.error());
  const Expected<void> removed = is_directory ? view_->RemoveDirectory(path) : view_->Unlink(path);
  if (!removed) return Failed(removed.error());
  const auto node = nodes_.find(found->inode);
  if (node != nodes_.end() && node->second.path == path) node->second.has_name = false;
  return {};
}

FuseFiles::Answer FuseFiles::Rename(uint64_t to_directory, uint32_t flags, std::string_view names,
                                    const Node& from) {
  const size_t end = names.find('\0');
  const Node* target = Find(to_directory);
  if (target == nullptr || end == std::string_view::npos) return Failed(ESTALE);
  const std::string_view new_name = names.substr(end + 1, names.find('\0', end + 1) - end - 1);
  const std::string old_path = Join(from.path, names.substr(0, end));
  const std::string new_path = Join(target->path, new_name);
  if ((flags & ~uint32_t{RENAME_NOREPLACE}) != 0) return Refuse("renameat2 with flags", EINVAL);
  const Expected<CrashView::Entry> moved = view_->Find(old_path);
  if (!moved) return Failed(moved.error());
  const Expected<CrashView::Entry> replaced = view_->Find(new_path);
  if (replaced && flags != 0) return Failed(EEXIST);
  const Expected<void> renamed = view_->Rename(old_path, new_path);
  if (!renamed) return Failed(renamed.error());
  if (replaced && replaced->inode == moved->inode) return {};
  for (auto& [inode, node] : nodes_) {
    if (!node.has_name) continue;
    if (node.path == new_path) node.has_name = false;
    if (node.path == old_path) {
      node.path = new_path;
    } else if (node.path.starts_with(old_path + "/")) {
      node.path.replace(0, old_path.size(), new_path);
    }
  }
  return {};
}

FuseFiles::Answer FuseFiles::Link(Bytes body, const Node& directory) {
  const auto in = Take<fuse_link_in>(body);
  const std::string path = Join(directory.path, Text(body, sizeof in));
  Node* existing = Find(in.oldnodeid);
  if (existing == nullptr || !existing->has_name) return Failed(ESTALE);
  const Expected<void> linked = view_->Link(existing->path, path);
  return linked ? Lookup(path) : Failed(linked.error());
}

FuseFiles::Answer FuseFiles::ReadLink(Node& node) {
  const Expected<std::string> text = view_->ReadLink(node.path);
  if (!text) return Failed(text.error());
  const auto* bytes = reinterpret_cast<const std::byte*>(text->data());
  reply_.assign(bytes, bytes + text->size());
  return {.bytes = reply_};
}

FuseFiles::Answer FuseFiles::Allocate(const fuse_fallocate_in& in, Node& node) {
  if (in.mode != 0) return Refuse("fallocate with flags", EOPNOTSUPP);
  const Expected<VfsFile*> file = FileOf(node);
  if (!file) return Failed(file.error());
  const Expected<void> grown = (*file)->Allocate(in.offset, in.length);
  return grown ? Answer() : Failed(grown.error());
}

}  // namespace plugpull
