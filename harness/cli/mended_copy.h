// A file that is made from another one and gets its name only when it is complete. Whatever goes
// wrong before that, nothing is left behind.
#pragma once

#include <memory>
#include <string>

#include "faults/vfs/vfs.h"

namespace plugpull {

class MendedCopy {
 public:
  // Finds out whether `output` may be written, and makes an empty temporary file beside it, with
  // the permissions of `source`. Errors: `output` is `source` by this or another name; it is there
  // already and `force` is not set; its directory may not be written to.
  static Expected<MendedCopy> Create(const std::string& source, const std::string& output,
                                     bool force);

  MendedCopy(MendedCopy&& other) noexcept;
  MendedCopy& operator=(MendedCopy&&) = delete;
  ~MendedCopy();

  VfsFile& file() { return *file_; }

  // Takes over all bytes of `from`; what is zero there takes no space here.
  Expected<void> CopyFrom(VfsFile& from);

  // Makes the file durable, under its name.
  Expected<void> Publish();

 private:
  MendedCopy() = default;

  std::string output_;
  std::string temporary_;  // empty: it has got its name
  bool force_ = false;
  std::unique_ptr<VfsFile> file_;
};

}  // namespace plugpull
