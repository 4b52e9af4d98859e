#include "faults/doors/memory_map.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>

namespace plugpull {

Expected<std::vector<MappedRange>> SharedFilesAt(Door& door, const Tracee& tracee, uint64_t address,
                                                 uint64_t size_bytes) {
  std::ifstream maps(fmt::format("/proc/{}/maps", tracee.thread()));
  if (!maps) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("the recording is blind: the memory map of thread {} cannot be read; "
                            "record as root",
                            tracee.thread()));
  }
  std::vector<MappedRange> ranges;
  const uint64_t end = address + size_bytes;
  std::string line;
  while (std::getline(maps, line)) {
    uint64_t from = 0;
    uint64_t to = 0;
    uint64_t offset = 0;
    unsigned major = 0;
    unsigned minor = 0;
    uint64_t number = 0;
    char shared = 0;
    // As in "7f00-7f10 rw-s 00001000 fd:00 1234   /path".
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*c%*c%*c%c %" SCNx64 " %x:%x %" SCNu64,
                    &from, &to, &shared, &offset, &major, &minor, &number) != 7) {
      continue;
    }
    if (shared != 's' || to <= address || from >= end) continue;
    // The file itself, for a path may lead elsewhere by now.
    const std::string link = fmt::format("/proc/{}/map_files/{:x}-{:x}", tracee.thread(), from, to);
    const Descriptor file(::open(link.c_str(), O_PATH | O_CLOEXEC));
    struct stat status = {};
    InodeId inode = kNoInode;
    if (file.is_open() && ::fstat(file.number(), &status) == 0) {
      inode = door.tree.Find(status, file.number());
    } else {  // without privileges such links cannot be followed; numbers have to do
      status.st_dev = ::makedev(major, minor);
      status.st_ino = number;
      inode = door.tree.Find(status, -1);
    }
    if (inode == kNoInode) continue;
    const uint64_t begin = std::max(from, address);
    ranges.push_back({inode, offset + (begin - from), std::min(to, end) - begin});
  }
  return ranges;
}

}  // namespace plugpull
