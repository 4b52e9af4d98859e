#include "faults/vfs/watching_vfs.h"

#include <utility>

namespace plugpull {

class WatchedFile final : public VfsFile {
 public:
  WatchedFile(WatchingVfs& vfs, std::string path, std::unique_ptr<VfsFile> inner)
      : vfs_(vfs), path_(std::move(path)), inner_(std::move(inner)) {}

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    Expected<size_t> read = inner_->Read(offset_bytes, out);
    vfs_.watch_({.kind = VfsCallKind::kRead,
                 .done = read.has_value(),
                 .path = path_,
                 .offset_bytes = offset_bytes,
                 .size_bytes = read.value_or(0)});
    return read;
  }

  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    return Tell(VfsCallKind::kWrite, offset_bytes, data.size(), inner_->Write(offset_bytes, data));
  }

  Expected<void> Truncate(uint64_t size_bytes) override {
    return Tell(VfsCallKind::kTruncate, 0, size_bytes, inner_->Truncate(size_bytes));
  }

  Expected<void> Sync(SyncKind kind) override {
    return Tell(VfsCallKind::kSync, 0, 0, inner_->Sync(kind));
  }

  // Makes nothing durable and changes nothing: not worth a word.
  Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
    return inner_->SyncRange(offset_bytes, size_bytes);
  }

  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    return Tell(VfsCallKind::kAllocate, offset_bytes, size_bytes,
                inner_->Allocate(offset_bytes, size_bytes));
  }

  Expected<uint64_t> Size() override { return inner_->Size(); }
  Expected<bool> Lock(LockLevel level) override { return inner_->Lock(level); }

 private:
  Expected<void> Tell(VfsCallKind kind, uint64_t offset_bytes, uint64_t size_bytes,
                      Expected<void> outcome) {
    return vfs_.Tell(
        {.kind = kind, .path = path_, .offset_bytes = offset_bytes, .size_bytes = size_bytes},
        std::move(outcome));
  }

  WatchingVfs& vfs_;
  std::string path_;
  std::unique_ptr<VfsFile> inner_;
};

Expected<void> WatchingVfs::Tell(VfsCall call, Expected<void> outcome) {
  call.done = outcome.has_value();
  watch_(call);
  return outcome;
}

Expected<std::unique_ptr<VfsFile>> WatchingVfs::Open(std::string_view path, OpenOptions options) {
  const bool was_there = inner_.Exists(path).value_or(false);
  Expected<std::unique_ptr<VfsFile>> file = inner_.Open(path, options);
  const bool is_new = file.has_value() && !was_there;
  watch_({.kind = is_new ? VfsCallKind::kCreate : VfsCallKind::kOpen,
          .done = file.has_value(),
          .path = std::string(path)});
  if (!file) return file;
  if (was_there && options.truncate) {
    watch_({.kind = VfsCallKind::kTruncate, .path = std::string(path)});
  }
  return std::make_unique<WatchedFile>(*this, std::string(path), std::move(*file));
}

Expected<void> WatchingVfs::Unlink(std::string_view path) {
  return Tell({.kind = VfsCallKind::kUnlink, .path = std::string(path)}, inner_.Unlink(path));
}

Expected<void> WatchingVfs::Rename(std::string_view from, std::string_view to) {
  return Tell({.kind = VfsCallKind::kRename, .path = std::string(from), .other = std::string(to)},
              inner_.Rename(from, to));
}

Expected<void> WatchingVfs::Link(std::string_view existing, std::string_view added) {
  return Tell(
      {.kind = VfsCallKind::kLink, .path = std::string(existing), .other = std::string(added)},
      inner_.Link(existing, added));
}

Expected<void> WatchingVfs::MakeDirectory(std::string_view path) {
  return Tell({.kind = VfsCallKind::kMakeDirectory, .path = std::string(path)},
              inner_.MakeDirectory(path));
}

Expected<void> WatchingVfs::RemoveDirectory(std::string_view path) {
  return Tell({.kind = VfsCallKind::kRemoveDirectory, .path = std::string(path)},
              inner_.RemoveDirectory(path));
}

Expected<void> WatchingVfs::SyncDirectory(std::string_view path) {
  return Tell({.kind = VfsCallKind::kSyncDirectory, .path = std::string(path)},
              inner_.SyncDirectory(path));
}

Expected<bool> WatchingVfs::Exists(std::string_view path) {
  Expected<bool> exists = inner_.Exists(path);
  watch_({.kind = VfsCallKind::kExists, .done = exists.value_or(false), .path = std::string(path)});
  return exists;
}

Expected<std::vector<std::string>> WatchingVfs::List(std::string_view path) {
  Expected<std::vector<std::string>> names = inner_.List(path);
  watch_({.kind = VfsCallKind::kList, .done = names.has_value(), .path = std::string(path)});
  return names;
}

}  // namespace plugpull
