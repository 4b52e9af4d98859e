// What an ImageDirectory knows of the tree that it has made, and how it makes the next out of it.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/doors/attribute_text.h"
#include "faults/vfs/image.h"

namespace plugpull {

// Access and modification time of everything shown: long ago, so that a mount with relatime moves
// the first; and odd, so that nobody has the second by accident.
inline constexpr std::array<timespec, 2> kShownTimes = {
    {{1'000'000'000, 123'456'789}, {1'000'000'000, 987'654'321}}};

inline bool SameTime(const timespec& left, const timespec& right) {
  return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

class ShownTree {
 public:
  // The tree is "image" in the open directory `base`; "spare" is a directory for files between two
  // names. Both are empty now.
  ShownTree(int base, bool mapping_moves_time)
      : base_(base), mapping_moves_time_(mapping_moves_time), own_{geteuid(), getegid()} {}

  // Returns: false when the tree is gone or was replaced as a whole; begin anew, then.
  // Errors: what the system refuses, with the path below `base`. This must not be used any more.
  Expected<bool> Show(const Image& image);

 private:
  enum class Kind : uint8_t { kFile, kDirectory, kLink };

  // What stands on the disk, as it was seen last.
  struct Stamp {
    struct stat status = {};
    std::map<std::string, std::string> xattrs;  // those that were set here
    bool xattrs_known = true;                   // there are no others
    bool stale = true;  // we have changed something since: `status` does not hold
  };

  struct Entry {
    Kind kind = Kind::kDirectory;
    InodeId inode = kRootInode;
    Stamp stamp;  // of directories and links
    std::map<std::string, Entry, std::less<>> entries;
  };

  struct File {
    Stamp stamp;
    FileContent content;  // what the file holds, if that is known
    bool content_known = true;
    bool is_spare = false;  // is at "spare/NUMBER" and has no name
    uint32_t names = 0;
    uint64_t round = 0;  // of Show in which it was brought up to date last
  };

  // Finds out what was done to the tree, and removes what nobody knows.
  Expected<bool> Survey(Entry& entry);
  Expected<void> SurveyNames(Entry& directory, bool has_other_names);
  Expected<void> RemoveUnknownNames(const Entry& directory);
  void Forget(const Entry& entry);

  // Takes away the names that the image does not have.
  Expected<void> Clear(Entry& directory, const Image& image);
  Expected<void> ClearEntry(const Entry& entry, const Image& image);

  // Adds those that it has, and brings everything up to date.
  Expected<void> Fill(Entry& directory, const Image& image);
  Expected<void> Add(Kind kind, InodeId inode, const Image& image);
  Expected<void> AddFile(InodeId inode);
  Expected<void> Refresh(Entry& entry, const Image& image);
  Expected<void> RefreshFile(InodeId inode, const Image& image);
  Expected<void> RefreshBytes(File& file, const FileContent& wanted);
  Expected<void> RefreshStamp(Stamp& stamp, Kind kind, InodeId inode, const Image& image);
  Expected<void> RefreshOwnerAndMode(Stamp& stamp, Kind kind, InodeId inode, const Image& image);
  Expected<void> RefreshXattrs(Stamp& stamp, InodeId inode, const Image& image);
  Expected<void> DropSpares();

  static std::optional<std::string> PathOf(const Entry& directory, InodeId file, std::string path);
  static Kind KindIn(const Image& image, InodeId inode);
  bool IsAncestor(InodeId inode) const;
  Stamp& StampOf(Entry& entry);
  std::unexpected<Error> Trouble(const char* what, int os_errno) const;
  Expected<void> Check(int result, const char* what) const;

  int base_;
  bool mapping_moves_time_;
  Owner own_;
  Entry root_;
  std::map<InodeId, File> files_;
  uint64_t round_ = 0;
  std::string path_ = "image";      // of what is looked at, below base_
  std::vector<InodeId> ancestors_;  // the image's directories that it is in
  Owner default_owner_;
  bool has_spares_ = false;
};

}  // namespace plugpull
