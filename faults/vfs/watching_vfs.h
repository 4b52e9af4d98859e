// A Vfs that tells what is asked of another one, call by call: which files were looked for, found,
// read and changed. Changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "faults/vfs/vfs.h"

namespace plugpull {

enum class VfsCallKind : uint8_t {
  kOpen,    // of a file that was there
  kCreate,  // of one that was not
  kExists,  // whether there is one
  kList,
  kRead,
  kWrite,
  kTruncate,  // size_bytes: the new size
  kAllocate,
  kSync,
  kUnlink,
  kRename,  // path: from; other: to
  kLink,
  kMakeDirectory,
  kRemoveDirectory,
  kSyncDirectory,
};
inline constexpr VfsCallKind kLastVfsCallKind = VfsCallKind::kSyncDirectory;

struct VfsCall {
  VfsCallKind kind = VfsCallKind::kOpen;
  bool done = true;  // kExists: there is one; else: it succeeded
  std::string path{};
  std::string other{};
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;  // kRead: that it returned

  bool operator==(const VfsCall&) const = default;
};

class WatchingVfs final : public Vfs {
 public:
  using Watch = std::function<void(const VfsCall& call)>;

  // `watch` is called after each call. Requires: `inner` outlives this object and its files.
  WatchingVfs(Vfs& inner, Watch watch) : inner_(inner), watch_(std::move(watch)) {}

  Expected<std::unique_ptr<VfsFile>> Open(std::string_view path, OpenOptions options) override;
  Expected<void> Unlink(std::string_view path) override;
  Expected<void> Rename(std::string_view from, std::string_view to) override;
  Expected<void> Link(std::string_view existing, std::string_view added) override;
  Expected<void> MakeDirectory(std::string_view path) override;
  Expected<void> RemoveDirectory(std::string_view path) override;
  Expected<void> SyncDirectory(std::string_view path) override;
  Expected<bool> Exists(std::string_view path) override;
  Expected<std::vector<std::string>> List(std::string_view path) override;

 private:
  friend class WatchedFile;

  Expected<void> Tell(VfsCall call, Expected<void> outcome);

  Vfs& inner_;
  Watch watch_;
};

}  // namespace plugpull
