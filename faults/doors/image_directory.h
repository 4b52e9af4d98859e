// A real directory, on a file system in memory, that shows one image after another. Only what
// differs is written: the blocks in which an image differs from the one before, and the files that
// whoever looked at it has changed.
//
// What was changed is known by times: after each Show, everything has the same access and
// modification time, long ago, that no program sets. A file that was written has another one after
// that; so has a directory in which names were added or removed. Stores to a shared mapping do not
// move the modification time where files live in memory, but who makes a mapping, or reads, moves
// the access time: such files are compared byte by byte. Where a mapping moves nothing (a file
// system mounted with noatime), all files are. Only a program that opens with O_NOATIME and then
// stores to a mapping is not found out.
#pragma once

#include <memory>
#include <string>

#include "faults/base/error.h"
#include "faults/vfs/image.h"

namespace plugpull {

class ImageDirectory {
 public:
  // Makes an empty directory of its own below `parent`; empty: where memory is (/dev/shm), else
  // $TMPDIR, else /tmp.
  // Errors: what the system refuses, with the path.
  static Expected<ImageDirectory> Create(const std::string& parent = {});

  // Removes the directory.
  ~ImageDirectory();
  ImageDirectory(ImageDirectory&&) noexcept;
  ImageDirectory& operator=(ImageDirectory&&) noexcept;

  // The directory's path, the same for all images.
  const std::string& path() const;

  // Makes the directory show `image`, whatever was done to it since the last Show. Hard links are
  // such; modes and user attributes are those of the image, or as creation gives them
  // (CreationMode). Without root, owners stay our own; else an inode that has none in the image
  // belongs to the owner of the image's root.
  //
  // A directory inside itself, as weak models have it after crashed renames, is left out there: no
  // file system can show one.
  //
  // Requires: nobody has a file of it open for writing, or mapped.
  // Errors: kNoSpace and what else the system refuses, with what to do. The next Show begins anew.
  Expected<void> Show(const Image& image);

 private:
  class State;
  explicit ImageDirectory(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace plugpull
