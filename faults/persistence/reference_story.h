// A short program for tests, written call by call, and the question that litmus tests ask of it:
// may a crash leave this? Answers come from the plain enumeration (reference.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "faults/persistence/model.h"
#include "faults/persistence/tear.h"
#include "faults/trace/trace.h"
#include "faults/vfs/image.h"

namespace plugpull {

// What a program sees after the crash.
class Look {
 public:
  explicit Look(const Image& image) : image_(image) {}

  bool Has(std::string_view path) const;
  uint64_t Size(std::string_view path) const;  // 0 when it does not exist

  // Returns: the bytes as text, as far as there are any.
  std::string Bytes(std::string_view path, uint64_t offset_bytes, size_t length) const;

  // Returns: true when the file has `length` bytes at `offset_bytes`, and all are `byte`.
  bool Is(std::string_view path, uint64_t offset_bytes, size_t length, char byte) const;

  // Returns: the text of a symbolic link, "" when there is none.
  std::string LinkText(std::string_view path) const;

  // Returns: the attribute, "" when it is not set or nothing is at `path`.
  std::string Attribute(std::string_view path, std::string_view key) const;

 private:
  InodeId At(std::string_view path) const;

  const Image& image_;
};

// The trace of a program. Paths are resolved as the program sees them. Bytes of a call are one
// character, repeated.
class Story {
 public:
  void Create(std::string_view path) { Make(OpKind::kCreate, path, ""); }
  void MakeDirectory(std::string_view path) { Make(OpKind::kMakeDirectory, path, ""); }
  void Symlink(std::string_view path, std::string_view text) { Make(OpKind::kSymlink, path, text); }
  void Write(std::string_view path, uint64_t offset_bytes, uint64_t size_bytes, char byte,
             uint32_t flags = 0);
  // A write that is durable when it returns: kSyncWrite included.
  void WriteSynchronously(std::string_view path, uint64_t offset_bytes, uint64_t size_bytes,
                          char byte, uint32_t flags = 0);
  void Clone(std::string_view source, std::string_view path, uint64_t offset_bytes,
             uint64_t size_bytes, char byte);
  void Truncate(std::string_view path, uint64_t size_bytes);
  void Allocate(std::string_view path, uint64_t offset_bytes, uint64_t size_bytes, uint32_t flags);
  void Rename(std::string_view from, std::string_view to) { Move(OpKind::kRename, from, to); }
  void Exchange(std::string_view from, std::string_view to) { Move(OpKind::kExchange, from, to); }
  void Link(std::string_view existing, std::string_view added);
  void Unlink(std::string_view path);
  void SetAttribute(std::string_view path, std::string_view key, std::string_view value);
  void SetXattr(std::string_view path, std::string_view key, std::string_view value);
  void RemoveXattr(std::string_view path, std::string_view key);

  void Sync(std::string_view path) { SyncOf(OpKind::kSync, path, 0, 0, 0); }
  void DataSync(std::string_view path) { SyncOf(OpKind::kDataSync, path, 0, 0, 0); }
  void SyncDirectory(std::string_view path) { SyncOf(OpKind::kSyncDirectory, path, 0, 0, 0); }
  void SyncMapped(std::string_view path, uint64_t offset_bytes, uint64_t size_bytes) {
    SyncOf(OpKind::kSyncMapped, path, offset_bytes, size_bytes, 0);
  }
  void SyncRange(std::string_view path, uint64_t offset_bytes, uint64_t size_bytes) {
    SyncOf(OpKind::kSyncRange, path, offset_bytes, size_bytes, 0);
  }
  // A sync that fails and drops what it did not write.
  void SyncInVain(std::string_view path, uint64_t offset_bytes = 0, uint64_t size_bytes = 0);
  void SyncAll() { trace_.ops.push_back({.kind = OpKind::kSyncAll}); }

  // Returns: true when some legal crash state at the end of the story looks so.
  bool May(const Model& model, Tear tear, const std::function<bool(const Look&)>& outcome) const;

  const Trace& trace() const { return trace_; }

 private:
  struct Place {
    InodeId directory;
    std::string name;
  };
  Place Locate(std::string_view path) const;
  InodeId At(std::string_view path) const;
  Op& Add(OpKind kind, std::string_view payload);
  void Make(OpKind kind, std::string_view path, std::string_view text);
  void Move(OpKind kind, std::string_view from, std::string_view to);
  Op& SyncOf(OpKind kind, std::string_view path, uint64_t offset_bytes, uint64_t size_bytes,
             uint32_t flags);

  Trace trace_;
  NameTree names_;
  InodeId last_inode_ = kRootInode;
};

}  // namespace plugpull
