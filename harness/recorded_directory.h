// The directory that a program is recorded in: the user's, or one of our own in memory.
#pragma once

#include <string>
#include <utility>

#include "faults/base/error.h"

namespace plugpull {

// A directory of our own, on a file system in memory where there is one; removed at the end.
class OwnDirectory {
 public:
  // Made for `user`, if that is not empty.
  static Expected<OwnDirectory> Create(const std::string& user = {});
  ~OwnDirectory();
  OwnDirectory(OwnDirectory&& other) noexcept : base_(std::exchange(other.base_, {})) {}
  OwnDirectory& operator=(OwnDirectory&& other) noexcept {
    std::swap(base_, other.base_);
    return *this;
  }

  // The directory to work in: empty at first, and anybody's to enter and write. What holds it is
  // removed with it, so that it may be renamed or removed by whoever works in it.
  std::string path() const { return base_ + "/recorded"; }

 private:
  explicit OwnDirectory(std::string base) : base_(std::move(base)) {}

  std::string base_;
};

// Makes the directory ready to be recorded: created where it is absent, for `user` then if that is
// not empty. Returns: its absolute path, without symbolic links.
// Errors: kInvalidArgument: it is not empty and `keep` is not set; it is /, the home directory or
// one above that; it is no directory.
Expected<std::string> PrepareDirectory(const std::string& directory, bool keep,
                                       const std::string& user);

// Errors: kInvalidArgument: `output`, which we write, lies in `directory`. `what` names it.
Expected<void> CheckOutside(const std::string& directory, const std::string& output,
                            const std::string& what);

}  // namespace plugpull
