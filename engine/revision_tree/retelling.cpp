#include "engine/revision_tree/retelling.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/revision_tree/header_slots.h"
#include "engine/revision_tree/protocol.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::revision_tree {
namespace {

constexpr size_t kMostPages = 6;

// Returns: the headers of the store in an image; nothing: there is none, or they make no sense.
std::optional<HeadersRead> HeadersOf(const Image& image, const Options& options) {
  if (FindFile(image, kStorePath) == nullptr) return std::nullopt;
  MemoryVfs vfs(image);
  const Expected<std::unique_ptr<VfsFile>> file = vfs.Open(kStorePath, {});
  if (!file) return std::nullopt;
  const Expected<HeadersRead> read = ReadHeaders(**file, options.page_size_bytes);
  return read ? std::optional(*read) : std::nullopt;
}

std::string PairText(const Header& header) {
  if (header.has(kProposalKFlag)) {
    return fmt::format("revision {} as the newer, {} as the older", header.current, header.ongoing);
  }
  return fmt::format("revision {} as current, {} as ongoing", header.current, header.ongoing);
}

// Returns: the lost writes of one side of the end of the header: "page 4 (operation 17 of ..)".
std::vector<std::string> LostWrites(const RecoveryStory& story, const Header& header,
                                    bool of_header) {
  std::vector<std::string> writes;
  for (const LostOperation& lost : story.lost) {
    const Op& op = story.trace.ops[lost.number];
    if (op.kind != OpKind::kWrite || lost.ranges.empty() || lost.path != kStorePath) continue;
    const PageNumber page = lost.ranges.front().first / header.page_size_bytes;
    if ((page < FirstDataPage(header)) != of_header) continue;
    const char* part = lost.is_whole ? "" : "a part of ";
    writes.push_back(of_header ? fmt::format("{}{}", part, PlaceOf(lost))
                               : fmt::format("{}page {} ({})", part, page, PlaceOf(lost)));
  }
  if (writes.size() > kMostPages) {
    const size_t more = writes.size() - kMostPages;
    writes.resize(kMostPages);
    writes.push_back(fmt::format("{} more", more));
  }
  return writes;
}

}  // namespace

std::string Retell(const RecoveryStory& story) {
  if (FindFile(story.issued, kStorePath) == nullptr) return "";
  if (FindFile(story.found, kStorePath) == nullptr) {
    const bool makes_new = HasDone(story, VfsCallKind::kCreate, kNewStorePath) ||
                           HasDone(story, VfsCallKind::kCreate, kStorePath);
    if (!makes_new) return "";
    return fmt::format(
        "The name {} was lost, so opening finds no store and makes a new, empty one.", kStorePath);
  }
  const Options options = ParseOptions(story.options);
  const std::optional<HeadersRead> found = HeadersOf(story.found, options);
  if (!found) return "";
  const Header& header = found->newest;
  std::string text = fmt::format("Opening finds a header with {}", PairText(header));
  const std::vector<std::string> headers = LostWrites(story, header, /*of_header=*/true);
  if (!headers.empty()) {
    text += fmt::format(", as a later write of the header was lost ({})", fmt::join(headers, ", "));
  }
  const bool differs = !header.has(kProposalKFlag) && header.current != header.ongoing;
  const bool asks_for_scan = differs || header.has(kInUseFlag) || !found->is_whole;
  if (asks_for_scan && HasDone(story, VfsCallKind::kWrite, kStorePath)) {
    text += fmt::format(
        "; it is not the header of a store that was closed, so recovery {} from "
        "revision {}",
        options.protocol.trusts_free_list ? "takes root and free list as they are"
                                          : "looks for all pages that are reached",
        header.current);
  }
  text += ".";
  const std::vector<std::string> pages = LostWrites(story, header, /*of_header=*/false);
  if (pages.empty()) return text;
  return fmt::format("{} {} what was there before: {}.", text,
                     pages.size() == 1 ? "One write of a page was lost, and its place still holds"
                                       : "Writes of pages were lost, and their places still hold",
                     fmt::join(pages, ", "));
}

}  // namespace plugpull::revision_tree
