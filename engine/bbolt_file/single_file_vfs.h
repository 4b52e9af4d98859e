// One open file as the store of an engine: a directory in which it has a name, and nothing else.
#pragma once

#include <memory>
#include <string>

#include "faults/vfs/vfs.h"

namespace plugpull::bbolt_file {

class SingleFileVfs final : public Vfs {
 public:
  // `file` must outlive the object and what it opens.
  SingleFileVfs(VfsFile& file, std::string name) : file_(file), name_(std::move(name)) {}

  Expected<std::unique_ptr<VfsFile>> Open(std::string_view path, OpenOptions options) override {
    if (path != name_) return Fail(ErrorCode::kNotFound, "there is one file only", ENOENT);
    if (options.truncate || options.exclusive) return Refuse();
    return std::make_unique<Handle>(file_);
  }
  Expected<void> Unlink(std::string_view) override { return Refuse(); }
  Expected<void> Rename(std::string_view, std::string_view) override { return Refuse(); }
  Expected<void> Link(std::string_view, std::string_view) override { return Refuse(); }
  Expected<void> MakeDirectory(std::string_view) override { return Refuse(); }
  Expected<void> RemoveDirectory(std::string_view) override { return Refuse(); }
  Expected<void> SyncDirectory(std::string_view) override { return {}; }
  Expected<bool> Exists(std::string_view path) override { return path == name_; }
  Expected<std::vector<std::string>> List(std::string_view) override {
    return std::vector<std::string>{name_};
  }

 private:
  // Hands everything on but the lock: whoever opened the file has it.
  class Handle final : public VfsFile {
   public:
    explicit Handle(VfsFile& file) : file_(file) {}
    Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
      return file_.Read(offset_bytes, out);
    }
    Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
      return file_.Write(offset_bytes, data);
    }
    Expected<void> Truncate(uint64_t size_bytes) override { return file_.Truncate(size_bytes); }
    Expected<void> Sync(SyncKind kind) override { return file_.Sync(kind); }
    Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
      return file_.SyncRange(offset_bytes, size_bytes);
    }
    Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
      return file_.Allocate(offset_bytes, size_bytes);
    }
    Expected<uint64_t> Size() override { return file_.Size(); }
    Expected<bool> Lock(LockLevel) override { return true; }

   private:
    VfsFile& file_;
  };

  static std::unexpected<Error> Refuse() {
    return Fail(ErrorCode::kUnsupported, "names cannot be changed around a single file");
  }

  VfsFile& file_;
  std::string name_;
};

}  // namespace plugpull::bbolt_file
