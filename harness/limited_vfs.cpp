#include "harness/limited_vfs.h"

#include <cerrno>
#include <utility>

namespace plugpull {

class LimitedFile final : public VfsFile {
 public:
  LimitedFile(LimitedVfs& vfs, std::unique_ptr<VfsFile> inner)
      : vfs_(vfs), inner_(std::move(inner)) {}

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    if (const Expected<void> alive = vfs_.Alive(); !alive) return std::unexpected(alive.error());
    return inner_->Read(offset_bytes, out);
  }
  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    if (Expected<void> alive = vfs_.Change(data.size()); !alive) return alive;
    return inner_->Write(offset_bytes, data);
  }
  Expected<void> Truncate(uint64_t size_bytes) override {
    if (Expected<void> alive = vfs_.Change(); !alive) return alive;
    return inner_->Truncate(size_bytes);
  }
  Expected<void> Sync(SyncKind kind) override {
    if (Expected<void> alive = vfs_.Alive(); !alive) return alive;
    return inner_->Sync(kind);
  }
  Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
    if (Expected<void> alive = vfs_.Alive(); !alive) return alive;
    return inner_->SyncRange(offset_bytes, size_bytes);
  }
  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    if (Expected<void> alive = vfs_.Change(); !alive) return alive;
    return inner_->Allocate(offset_bytes, size_bytes);
  }
  Expected<uint64_t> Size() override {
    if (const Expected<void> alive = vfs_.Alive(); !alive) return std::unexpected(alive.error());
    return inner_->Size();
  }
  Expected<bool> Lock(LockLevel level) override { return inner_->Lock(level); }

 private:
  LimitedVfs& vfs_;
  std::unique_ptr<VfsFile> inner_;
};

Expected<void> LimitedVfs::Alive() const {
  if (is_dead_) return Fail(ErrorCode::kIo, "the power has failed", EIO);
  return {};
}

Expected<void> LimitedVfs::Change(uint64_t bytes) {
  if (changes_ == most_changes_) is_dead_ = true;
  if (Expected<void> alive = Alive(); !alive) return alive;
  ++changes_;
  written_bytes_ += bytes;
  return {};
}

Expected<std::unique_ptr<VfsFile>> LimitedVfs::Open(std::string_view path, OpenOptions options) {
  const Expected<bool> exists = Exists(path);
  if (!exists) return std::unexpected(exists.error());
  if (*exists ? options.truncate : options.create) {
    if (const Expected<void> alive = Change(); !alive) return std::unexpected(alive.error());
  }
  Expected<std::unique_ptr<VfsFile>> file = inner_.Open(path, options);
  if (!file) return file;
  return std::make_unique<LimitedFile>(*this, std::move(*file));
}

Expected<void> LimitedVfs::Unlink(std::string_view path) {
  if (Expected<void> alive = Change(); !alive) return alive;
  return inner_.Unlink(path);
}

Expected<void> LimitedVfs::Rename(std::string_view from, std::string_view to) {
  if (Expected<void> alive = Change(); !alive) return alive;
  return inner_.Rename(from, to);
}

Expected<void> LimitedVfs::Link(std::string_view existing, std::string_view added) {
  if (Expected<void> alive = Change(); !alive) return alive;
  return inner_.Link(existing, added);
}

Expected<void> LimitedVfs::MakeDirectory(std::string_view path) {
  if (Expected<void> alive = Change(); !alive) return alive;
  return inner_.MakeDirectory(path);
}

Expected<void> LimitedVfs::RemoveDirectory(std::string_view path) {
  if (Expected<void> alive = Change(); !alive) return alive;
  return inner_.RemoveDirectory(path);
}

Expected<void> LimitedVfs::SyncDirectory(std::string_view path) {
  if (Expected<void> alive = Alive(); !alive) return alive;
  return inner_.SyncDirectory(path);
}

Expected<bool> LimitedVfs::Exists(std::string_view path) {
  if (const Expected<void> alive = Alive(); !alive) return std::unexpected(alive.error());
  return inner_.Exists(path);
}

Expected<std::vector<std::string>> LimitedVfs::List(std::string_view path) {
  if (const Expected<void> alive = Alive(); !alive) return std::unexpected(alive.error());
  return inner_.List(path);
}

}  // namespace plugpull
