// FirstDifference of directory_image.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "faults/doors/attribute_text.h"
#include "faults/doors/directory_image.h"

namespace plugpull {
namespace {

constexpr size_t kShownBytes = 16;  // of two bytes each, enough to know them by

using Attributes = std::map<std::string, std::string, std::less<>>;

const Attributes& AttributesOf(const Image& image, InodeId inode) {
  static const Attributes kNone;
  const auto found = image.attributes.find(inode);
  return found == image.attributes.end() ? kNone : found->second;
}

// Returns: a value that is not there as nothing.
const std::string* Value(const Attributes& attributes, std::string_view key) {
  const auto found = attributes.find(key);
  return found == attributes.end() ? nullptr : &found->second;
}

std::string Shown(const std::string* value) {
  return value == nullptr ? "nothing" : fmt::format("{:?}", *value);
}

const char* KindOf(const Image& image, InodeId inode) {
  if (image.names.IsDirectory(inode)) return "a directory";
  return image.links.contains(inode) ? "a symbolic link" : "a file";
}

const FileContent& ContentOf(const Image& image, InodeId inode) {
  static const FileContent kEmpty;
  const auto found = image.files.find(inode);
  return found == image.files.end() ? kEmpty : found->second;
}

class Comparison {
 public:
  Comparison(const Image& recorded, const Image& found) : recorded_(recorded), found_(found) {}

  std::string Run() { return CompareInodes("", kRootInode, kRootInode); }

 private:
  std::string CompareInodes(const std::string& path, InodeId recorded, InodeId found) {
    const std::string shown = path.empty() ? "." : path;
    const std::string_view recorded_kind = KindOf(recorded_, recorded);
    const std::string_view found_kind = KindOf(found_, found);
    if (recorded_kind != found_kind) {
      return fmt::format("{}: {} recorded, {} found", shown, recorded_kind, found_kind);
    }
    const auto [link, is_new] = found_as_.try_emplace(recorded, found, shown);
    if (!is_new && link->second.first != found) {
      return fmt::format("{}: recorded as one file with {}, found as another", shown,
                         link->second.second);
    }
    const auto [back, is_new_back] = recorded_as_.try_emplace(found, recorded, shown);
    if (!is_new_back && back->second.first != recorded) {
      return fmt::format("{}: found as one file with {}, recorded as another", shown,
                         back->second.second);
    }
    if (!is_new) return "";
    std::string difference = CompareAttributes(shown, recorded, found);
    if (!difference.empty()) return difference;
    if (recorded_.names.IsDirectory(recorded)) return CompareNames(path, recorded, found);
    if (recorded_.links.contains(recorded)) return CompareLinks(shown, recorded, found);
    return CompareBytes(shown, ContentOf(recorded_, recorded), ContentOf(found_, found));
  }

  std::string CompareNames(const std::string& path, InodeId recorded, InodeId found) {
    std::set<std::string> names;
    for (std::string& name : recorded_.names.Names(recorded)) names.insert(std::move(name));
    for (std::string& name : found_.names.Names(found)) names.insert(std::move(name));
    for (const std::string& name : names) {
      const std::string inner = path.empty() ? name : path + "/" + name;
      const InodeId recorded_inode = recorded_.names.At(recorded, name);
      const InodeId found_inode = found_.names.At(found, name);
      if (found_inode == kNoInode) return fmt::format("{}: recorded, but not found", inner);
      if (recorded_inode == kNoInode) return fmt::format("{}: found, but not recorded", inner);
      std::string difference = CompareInodes(inner, recorded_inode, found_inode);
      if (!difference.empty()) return difference;
    }
    return "";
  }

  std::string CompareLinks(const std::string& shown, InodeId recorded, InodeId found) const {
    const std::string& recorded_text = recorded_.links.at(recorded);
    const std::string& found_text = found_.links.at(found);
    if (recorded_text == found_text) return "";
    return fmt::format("{}: a link to '{}' recorded, to '{}' found", shown, recorded_text,
                       found_text);
  }

  static std::string CompareBytes(const std::string& shown, const FileContent& recorded,
                                  const FileContent& found) {
    if (recorded.size_bytes() != found.size_bytes()) {
      return fmt::format("{}: {} bytes recorded, {} found", shown, recorded.size_bytes(),
                         found.size_bytes());
    }
    const std::vector<uint64_t> pages = recorded.PagesUnlike(found);
    if (pages.empty()) return "";
    std::array<std::byte, kPageBytes> recorded_page{};
    std::array<std::byte, kPageBytes> found_page{};
    const uint64_t begin = pages.front() * kPageBytes;
    const size_t length = recorded.Read(begin, recorded_page);
    found.Read(begin, found_page);
    const auto first = std::ranges::mismatch(recorded_page, found_page);
    const auto at = static_cast<size_t>(first.in1 - recorded_page.begin());
    const size_t count = std::min(kShownBytes, length - at);
    const auto hex = [&](const auto& page) {
      std::string text;
      for (size_t i = at; i < at + count; ++i) text += fmt::format(" {:02x}", page[i]);
      return text;
    };
    return fmt::format("{}: from byte {} on{} recorded,{} found; {} page{} in all", shown,
                       begin + at, hex(recorded_page), hex(found_page), pages.size(),
                       pages.size() == 1 ? " differs" : "s differ");
  }

  // An owner or mode that one side does not speak of is what creation gives; an owner then is the
  // root's, and the root's is our own, which no image says.
  std::string CompareAttributes(const std::string& shown, InodeId recorded, InodeId found) const {
    const Attributes& wanted = AttributesOf(recorded_, recorded);
    const Attributes& seen = AttributesOf(found_, found);
    const bool is_directory = recorded_.names.IsDirectory(recorded);
    const std::string creation_mode = ModeText(CreationMode(is_directory));
    const std::string* root_owner = Value(AttributesOf(found_, kRootInode), "owner");
    for (const auto& [key, value] : wanted) {
      const std::string* other = Value(seen, key);
      if (other == nullptr && key == "mode") other = &creation_mode;
      if (other == nullptr && key == "owner") other = root_owner;
      if (other == nullptr && key == "owner") continue;
      if (IsCompared(key) && (other == nullptr || *other != value)) {
        return fmt::format("{}: {} {:?} recorded, {} found", shown, key, value, Shown(other));
      }
    }
    for (const auto& [key, value] : seen) {
      const bool is_compared = key == "mode" || key.starts_with("xattr:");
      if (!is_compared || wanted.contains(key)) continue;
      return fmt::format("{}: {} {:?} found, but not recorded", shown, key, value);
    }
    return "";
  }

  static bool IsCompared(std::string_view key) {
    return key == "mode" || key == "owner" || key.starts_with("xattr:user.");
  }

  using Match = std::pair<InodeId, std::string>;  // the inode on the other side, and where it was

  const Image& recorded_;
  const Image& found_;
  std::map<InodeId, Match> found_as_;
  std::map<InodeId, Match> recorded_as_;
};

}  // namespace

std::string FirstDifference(const Image& recorded, const Image& found) {
  return Comparison(recorded, found).Run();
}

}  // namespace plugpull
