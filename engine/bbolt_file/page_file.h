// The file under examination, read by offset and never mapped: it may be cut short or written to
// by somebody else while it is read.
#pragma once

#include <sys/stat.h>

#include <span>
#include <string>

#include "engine/cow_tree/format.h"
#include "faults/base/descriptor.h"
#include "faults/base/error.h"

namespace plugpull::bbolt_file {

using cow_tree::Bytes;
using cow_tree::PageId;

class PageFile {
 public:
  // Errors: one line for each thing that is no file to be read: nothing there, no permission, a
  // directory, a pipe or a device, an empty file.
  static Expected<PageFile> Open(const std::string& path);

  uint64_t size_bytes() const { return static_cast<uint64_t>(at_open_.st_size); }

  uint32_t page_size_bytes() const { return page_size_bytes_; }
  void set_page_size_bytes(uint32_t size) { page_size_bytes_ = size; }

  // Whole pages.
  uint64_t page_count() const { return size_bytes() / page_size_bytes_; }

  // Fills `out`, with zeros beyond the end of the file. Errors: the system refused to read.
  Expected<void> Read(uint64_t offset_bytes, std::span<std::byte> out) const;

  // Tells the system that the file will be read from its start to its end.
  void ExpectSequentialReads() const;

  // Returns: whether somebody wrote to the file since it was opened, as far as its times tell.
  bool HasChanged() const;

 private:
  std::string path_;
  Descriptor descriptor_;
  struct stat at_open_ = {};
  uint32_t page_size_bytes_ = 4096;
};

}  // namespace plugpull::bbolt_file
