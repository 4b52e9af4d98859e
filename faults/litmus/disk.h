// What a question looks at: a disk after a crash. Reads only, and only as much as was asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "faults/base/error.h"
#include "faults/persistence/crash_view.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/vfs.h"

namespace plugpull {

class Disk {
 public:
  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  virtual ~Disk() = default;

  virtual Vfs& files() = 0;

  // Returns: the text of a symbolic link. Errors: kNotFound, kInvalidArgument for anything else.
  virtual Expected<std::string> ReadLink(std::string_view path) = 0;

  // Returns: what was set under `key` ("mode", "owner", "times", "xattr:" + key), or nothing.
  // Errors: kNotFound.
  virtual Expected<std::optional<std::string>> Attribute(std::string_view path,
                                                         std::string_view key) = 0;
};

// A plain image.
class ImageDisk final : public Disk {
 public:
  explicit ImageDisk(Image image) : vfs_(std::move(image)) {}

  Vfs& files() override { return vfs_; }
  Expected<std::string> ReadLink(std::string_view path) override;
  Expected<std::optional<std::string>> Attribute(std::string_view path,
                                                 std::string_view key) override;

 private:
  MemoryVfs vfs_;
};

// What a crash may have left, decided as it is asked about.
class CrashDisk final : public Disk {
 public:
  explicit CrashDisk(CrashView& view) : view_(view) {}

  Vfs& files() override { return view_; }
  Expected<std::string> ReadLink(std::string_view path) override { return view_.ReadLink(path); }
  Expected<std::optional<std::string>> Attribute(std::string_view path,
                                                 std::string_view key) override {
    return view_.Attribute(path, key);
  }

 private:
  CrashView& view_;
};

}  // namespace plugpull
