// Answers the kernel's requests about one tree of files (FUSE, linux/fuse.h) from a CrashView.
//
// Whoever looks at the tree sees one execution after another. Each has inodes of its own as far as
// the kernel knows, so that nothing that it keeps of one is ever shown in another; within one,
// it may keep everything, because nobody else changes the files.
//
// Reads with read(2) arrive as they are made, byte for byte (FOPEN_DIRECT_IO); through a mapping, a
// page at a time. Syncs are not asked for: a crash in recovery is not shown here.
#pragma once

#include <linux/fuse.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/crash_view.h"

namespace plugpull {

// Thread-safety: none; the same lock for the view and these.
class FuseFiles {
 public:
  // The name below the root of the mount under which the tree is.
  static constexpr std::string_view kTree = "image";

  // Begins an execution. Requires: the view outlives it.
  void Begin(CrashView& view);

  // Ends it: no file of the view is open any more, and requests about it find nothing.
  void End();

  // An answer to a request: an error number or, with 0, bytes.
  struct Answer {
    int error_number = 0;
    std::span<const std::byte> bytes;  // valid until the next request
    bool is_none = false;              // nobody waits for one
  };

  // `body`: what follows the header.
  Answer Serve(const fuse_in_header& header, std::span<const std::byte> body);

  // Returns: the first thing that somebody wanted and cannot have here, or "".
  const std::string& refused() const { return refused_; }
  void ForgetRefused() { refused_.clear(); }

 private:
  struct Node {
    CrashView::Entry::Kind kind = CrashView::Entry::Kind::kFile;
    std::string path;                // the last that is known; "" for the tree itself
    bool has_name = true;            // false: it was unlinked
    std::unique_ptr<VfsFile> file;   // once somebody wants to know something about it
    std::optional<uint32_t> mode;    // as somebody set it
    std::vector<std::string> names;  // of a directory, while it is listed
  };

  uint64_t NodeIdOf(InodeId inode) const { return execution_ << 32 | inode; }
  // Returns: null for what is not of this execution.
  Node* Find(uint64_t node_id);
  Answer ServeRoot(const fuse_in_header& header, std::span<const std::byte> body);
  Answer ServeNode(const fuse_in_header& header, std::span<const std::byte> body, Node& node);
  Answer Lookup(const std::string& path);
  Answer GetAttributes(uint64_t node_id, Node& node);
  Answer SetAttributes(const fuse_setattr_in& in, uint64_t node_id, Node& node);
  Answer Open(const fuse_open_in& in, Node& node);
  Answer Create(std::span<const std::byte> body, const Node& directory);
  Answer Read(const fuse_read_in& in, Node& node);
  Answer Write(std::span<const std::byte> body, Node& node);
  Answer List(const fuse_read_in& in, Node& node);
  Answer Remove(const std::string& path, bool is_directory);
  Answer Rename(uint64_t to_directory, uint32_t flags, std::string_view names, const Node& from);
  Answer Link(std::span<const std::byte> body, const Node& directory);
  Answer ReadLink(Node& node);
  Answer Allocate(const fuse_fallocate_in& in, Node& node);

  Expected<VfsFile*> FileOf(Node& node);
  Expected<fuse_attr> Attributes(InodeId inode, Node& node);
  Expected<fuse_entry_out> EntryAt(const std::string& path);
  Answer Refuse(std::string_view what, int error_number);
  template <typename T>
  Answer Reply(const T& value);
  static Answer Failed(int error_number) { return {.error_number = error_number, .bytes = {}}; }
  static Answer Failed(const Error& error);

  CrashView* view_ = nullptr;
  uint64_t execution_ = 0;
  std::map<InodeId, Node> nodes_;
  std::vector<std::byte> reply_;
  std::string refused_;
};

}  // namespace plugpull
