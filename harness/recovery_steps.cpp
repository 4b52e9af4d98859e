#include "harness/recovery_steps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "harness/operation_words.h"

namespace plugpull {
namespace {

constexpr size_t kMostLines = 24;

using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;

void ListFiles(const Image& image, InodeId directory, const std::string& prefix,
               std::map<std::string, InodeId>& files, size_t depth) {
  // No tree of a real program is this deep; one that a damaged file describes may be in itself.
  if (depth > 64) return;
  for (const std::string& name : image.names.Names(directory)) {
    const InodeId inode = image.names.At(directory, name);
    if (image.names.IsDirectory(inode)) {
      ListFiles(image, inode, prefix + name + "/", files, depth + 1);
    } else if (image.files.contains(inode)) {
      files.emplace(prefix + name, inode);
    }
  }
}

std::map<std::string, InodeId> FilesOf(const Image& image) {
  std::map<std::string, InodeId> files;
  ListFiles(image, kRootInode, "", files, 0);
  return files;
}

std::array<std::byte, kPageBytes> PageOf(const FileContent& file, uint64_t page) {
  std::array<std::byte, kPageBytes> bytes{};
  file.Read(page * kPageBytes, bytes);
  return bytes;
}

void Add(Ranges& ranges, uint64_t begin, uint64_t end) {
  ranges.emplace_back(begin, end);
  std::ranges::sort(ranges);
  Ranges merged;
  for (const auto& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().second) {
      merged.back().second = std::max(merged.back().second, range.second);
    } else {
      merged.push_back(range);
    }
  }
  ranges = std::move(merged);
}

Ranges DifferenceOf(const FileContent& issued, const FileContent& found) {
  Ranges ranges;
  const uint64_t size = std::max(issued.size_bytes(), found.size_bytes());
  for (const uint64_t page : issued.PagesUnlike(found)) {
    const auto one = PageOf(issued, page);
    const auto other = PageOf(found, page);
    const uint64_t start = page * kPageBytes;
    const uint64_t length = std::min<uint64_t>(kPageBytes, size > start ? size - start : 0);
    size_t first = 0;
    size_t last = length;
    while (first < last && one[first] == other[first]) ++first;
    while (last > first && one[last - 1] == other[last - 1]) --last;
    if (first < last) ranges.emplace_back(start + first, start + last);
  }
  // What lies beyond the end of the shorter one is not there, whatever it would read.
  const uint64_t shorter = std::min(issued.size_bytes(), found.size_bytes());
  if (shorter < size) ranges.emplace_back(shorter, size);
  Ranges merged;
  for (const auto& [begin, end] : ranges) Add(merged, begin, end);
  return merged;
}

void Remove(Ranges& ranges, uint64_t begin, uint64_t end) {
  Ranges left;
  for (const auto& [first, last] : ranges) {
    if (first < begin) left.emplace_back(first, std::min(last, begin));
    if (last > end) left.emplace_back(std::max(first, end), last);
  }
  ranges = std::move(left);
}

// Tells calls as steps: reads and writes that follow one another are one.
class Teller {
 public:
  explicit Teller(const RecoveryStory& story)
      : story_(story), differing_(DifferingBytesOf(story.issued, story.found)) {
    for (const std::string& path : PathsOnlyIn(story.found, story.issued)) back_.insert(path);
    for (const std::string& path : PathsOnlyIn(story.issued, story.found)) gone_.insert(path);
  }

  RecoverySteps Tell() {
    for (const StoryCall& seen : story_.calls) {
      if (!seen.is_opening && is_opening_) {
        Flush();
        Line("(the store is open; now it is checked and read)");
        is_opening_ = false;
      }
      Take(seen.call);
    }
    Flush();
    if (lines_ > kMostLines) {
      steps_.lines.push_back(fmt::format("... and {} steps more", lines_ - kMostLines));
    }
    for (std::string& change : changes_) {
      for (const auto& [path, ranges] : written_) {
        if (change == "wrote to " + path) {
          change = fmt::format("wrote {} of {}", RangesText(ranges), path);
          break;
        }
      }
    }
    if (!changes_.empty()) {
      steps_.changed = fmt::format("While it opened the store it {}.", fmt::join(changes_, ", "));
    }
    return std::move(steps_);
  }

 private:
  void Line(std::string line) {
    if (line == last_line_) return;  // asked twice, the same answer
    last_line_ = line;
    if (++lines_ <= kMostLines) steps_.lines.push_back(std::move(line));
  }

  void Flush() {
    if (reads_.empty() && writes_.empty()) return;
    const bool is_read = !reads_.empty();
    Ranges& ranges = is_read ? reads_ : writes_;
    std::string line =
        fmt::format("{} {} of {}", is_read ? "reads" : "writes", RangesText(ranges), path_);
    if (is_read && !note_.empty()) line += note_;
    if (!is_read && is_opening_) {
      Changed("wrote to " + path_);
      for (const auto& [begin, end] : ranges) Add(written_[path_], begin, end);
    }
    note_.clear();
    ranges.clear();
    Line(std::move(line));
  }

  void Changed(std::string what) {
    if (is_opening_ && std::ranges::find(changes_, what) == changes_.end()) {
      changes_.push_back(std::move(what));
    }
  }

  void Step(const std::string& line) {
    Flush();
    Line(line);
  }

  // Returns: why a file is there, or is not, where the crash has done that.
  std::string Why(const std::string& path, bool is_there) const {
    if (is_there && back_.contains(path)) {
      return ", which is there only because what removed it was lost";
    }
    if (!is_there && gone_.contains(path)) return ", which is missing because its name was lost";
    return "";
  }

  void Read(const VfsCall& call) {
    if (!writes_.empty() || path_ != call.path) Flush();
    path_ = call.path;
    const uint64_t end = call.offset_bytes + call.size_bytes;
    if (call.size_bytes > 0) Add(reads_, call.offset_bytes, end);
    if (!steps_.first_read.empty()) return;
    const auto file = differing_.find(call.path);
    if (file == differing_.end()) return;
    if (call.size_bytes == 0) {
      const FileContent* issued = FindFile(story_.issued, call.path);
      const bool was_longer = issued != nullptr && issued->size_bytes() > call.offset_bytes;
      if (!was_longer) return;
      steps_.first_read = fmt::format(
          "It first meets what was lost {} where it finds that {} ends before byte {}.",
          is_opening_ ? "while it opens the store," : "when the store is checked and read,",
          call.path, call.offset_bytes);
      return;
    }
    for (const auto& [first, last] : file->second) {
      if (first >= end || last <= call.offset_bytes) continue;
      const uint64_t from = std::max(first, call.offset_bytes);
      const uint64_t to = std::min(last, end);
      note_ = fmt::format("; {} are not as the program left them", RangesText({{from, to}}));
      steps_.first_read = fmt::format(
          "It first meets what was lost {} where it reads {} of {}.",
          is_opening_ ? "while it opens the store," : "when the store is checked and read,",
          RangesText({{from, to}}), call.path);
      return;
    }
  }

  void Write(const VfsCall& call) {
    if (!reads_.empty() || path_ != call.path) Flush();
    path_ = call.path;
    Add(writes_, call.offset_bytes, call.offset_bytes + call.size_bytes);
    Remove(differing_[call.path], call.offset_bytes, call.offset_bytes + call.size_bytes);
  }

  void Take(const VfsCall& call) {
    const std::string failed = call.done ? "" : ", which fails";
    switch (call.kind) {
      case VfsCallKind::kOpen:
        if (!call.done) {
          Step(fmt::format("opens {}: not there{}", call.path, Why(call.path, false)));
        } else {
          Step(fmt::format("opens {}{}", call.path, Why(call.path, true)));
        }
        return;
      case VfsCallKind::kCreate:
        Step(fmt::format("creates {}{}", call.path, Why(call.path, false)));
        Changed("created " + call.path);
        differing_.erase(call.path);
        return;
      case VfsCallKind::kExists:
        Step(fmt::format("looks for {}: {}{}", call.path, call.done ? "it is there" : "not there",
                         Why(call.path, call.done)));
        return;
      case VfsCallKind::kList:
        Step(fmt::format("lists the directory {}", call.path.empty() ? "." : call.path));
        return;
      case VfsCallKind::kRead:
        Read(call);
        return;
      case VfsCallKind::kWrite:
        Write(call);
        return;
      case VfsCallKind::kTruncate:
        Step(fmt::format("sets the size of {} to {}{}", call.path, call.size_bytes, failed));
        Changed(fmt::format("set the size of {} to {}", call.path, call.size_bytes));
        Remove(differing_[call.path], call.size_bytes, UINT64_MAX);
        return;
      case VfsCallKind::kAllocate:
        Step(fmt::format("allocates {} bytes at {} of {}{}", call.size_bytes, call.offset_bytes,
                         call.path, failed));
        return;
      case VfsCallKind::kSync:
        Step(fmt::format("syncs {}{}", call.path, failed));
        return;
      case VfsCallKind::kUnlink:
        Step(fmt::format("unlinks {}{}", call.path, failed));
        if (call.done) Changed("removed " + call.path);
        return;
      case VfsCallKind::kRename:
        Step(fmt::format("renames {} to {}{}", call.path, call.other, failed));
        if (call.done) Changed(fmt::format("renamed {} to {}", call.path, call.other));
        return;
      case VfsCallKind::kLink:
        Step(fmt::format("links {} as {}{}", call.path, call.other, failed));
        return;
      case VfsCallKind::kMakeDirectory:
        Step(fmt::format("makes the directory {}{}", call.path, failed));
        return;
      case VfsCallKind::kRemoveDirectory:
        Step(fmt::format("removes the directory {}{}", call.path, failed));
        return;
      case VfsCallKind::kSyncDirectory:
        Step(fmt::format("syncs the directory {}{}", call.path.empty() ? "." : call.path, failed));
        return;
    }
  }

  const RecoveryStory& story_;
  DifferingBytes differing_;
  std::set<std::string> back_;  // files that are there again
  std::set<std::string> gone_;
  RecoverySteps steps_;
  size_t lines_ = 0;
  bool is_opening_ = true;
  std::string path_;  // of the reads or writes under way
  Ranges reads_;
  Ranges writes_;
  std::string note_;
  std::vector<std::string> changes_;
  std::map<std::string, Ranges> written_;  // while it opened the store
  std::string last_line_;
};

}  // namespace

DifferingBytes DifferingBytesOf(const Image& issued, const Image& found) {
  DifferingBytes differing;
  const std::map<std::string, InodeId> before = FilesOf(issued);
  for (const auto& [path, inode] : FilesOf(found)) {
    const auto same = before.find(path);
    if (same == before.end()) continue;
    Ranges ranges = DifferenceOf(issued.files.at(same->second), found.files.at(inode));
    if (!ranges.empty()) differing.emplace(path, std::move(ranges));
  }
  return differing;
}

std::vector<std::string> PathsOnlyIn(const Image& image, const Image& other) {
  std::vector<std::string> paths;
  const std::map<std::string, InodeId> known = FilesOf(other);
  for (const auto& [path, inode] : FilesOf(image)) {
    if (!known.contains(path)) paths.push_back(path);
  }
  return paths;
}

RecoverySteps StepsOf(const RecoveryStory& story) { return Teller(story).Tell(); }

}  // namespace plugpull
