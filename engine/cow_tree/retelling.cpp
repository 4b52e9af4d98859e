#include "engine/cow_tree/retelling.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "engine/cow_tree/format.h"
#include "engine/cow_tree/protocol.h"
#include "engine/cow_tree/store_file.h"

namespace plugpull::cow_tree {
namespace {

constexpr size_t kMostPages = 6;

struct Slots {
  std::array<std::optional<Meta>, 2> metas{};
  std::optional<size_t> active{};  // that opening takes
};

std::optional<Meta> MetaAt(const FileContent& file, uint64_t offset_bytes, MetaChecksum checksum) {
  std::array<std::byte, kMetaBytes> bytes{};
  if (file.Read(offset_bytes, bytes) < bytes.size()) return std::nullopt;
  const auto meta = LoadMeta(bytes, checksum);
  return meta && IsPageSize(meta->page_size_bytes) ? std::optional(*meta) : std::nullopt;
}

Slots SlotsOf(const FileContent& file, const Options& options, uint64_t page_size_bytes) {
  const Protocol& protocol = options.protocol;
  Slots slots;
  slots.metas[0] = MetaAt(file, 0, protocol.meta_checksum);
  if (!protocol.has_one_meta_slot) {
    slots.metas[1] = MetaAt(file, page_size_bytes, protocol.meta_checksum);
  }
  for (size_t i = 0; i < slots.metas.size(); ++i) {
    if (!slots.metas[i]) continue;
    if (!slots.active) {
      slots.active = i;
      continue;
    }
    const bool is_newer =
        slots.metas[i]->transaction_id > slots.metas[*slots.active]->transaction_id;
    if (is_newer != protocol.open_lower_transaction) slots.active = i;
  }
  return slots;
}

// Returns: the last operation that wrote the meta of a revision; nothing: the trace has none.
std::optional<size_t> WriterOf(const Trace& trace, uint64_t revision, uint64_t offset_bytes,
                               MetaChecksum checksum) {
  for (size_t i = trace.ops.size(); i-- > 0;) {
    const Op& op = trace.ops[i];
    const bool is_meta = op.kind == OpKind::kWrite && op.result_errno == 0 &&
                         op.offset_bytes == offset_bytes && op.size_bytes >= kMetaBytes;
    if (!is_meta) continue;
    const auto meta = LoadMeta(trace.Payload(op), checksum);
    if (meta && meta->transaction_id == revision) return i;
  }
  return std::nullopt;
}

std::string RevisionText(const RecoveryStory& story, uint64_t revision, size_t slot,
                         uint64_t page_size_bytes, MetaChecksum checksum) {
  const std::optional<size_t> writer =
      WriterOf(story.trace, revision, slot * page_size_bytes, checksum);
  if (!writer) return fmt::format("revision {} (page {})", revision, slot);
  const uint32_t transaction = TransactionAt(story.trace, *writer);
  if (transaction == 0) {
    return fmt::format("revision {} (page {}, operation {})", revision, slot, *writer);
  }
  return fmt::format("revision {} (page {}, operation {} of transaction {})", revision, slot,
                     *writer, transaction);
}

// Returns: the lost writes to pages behind the metas: "page 4 (operation 17 of transaction 3)".
std::vector<std::string> LostPages(const RecoveryStory& story, uint64_t page_size_bytes) {
  std::vector<std::string> pages;
  for (const LostOperation& lost : story.lost) {
    const Op& op = story.trace.ops[lost.number];
    if (op.kind != OpKind::kWrite || lost.ranges.empty()) continue;
    const uint64_t first = lost.ranges.front().first / page_size_bytes;
    const uint64_t last = (lost.ranges.back().second - 1) / page_size_bytes;
    if (first < kFirstDataPage) continue;
    const std::string which =
        first == last ? fmt::format("page {}", first) : fmt::format("pages {} to {}", first, last);
    pages.push_back(
        fmt::format("{}{} ({})", lost.is_whole ? "" : "a part of ", which, PlaceOf(lost)));
  }
  if (pages.size() > kMostPages) {
    const size_t more = pages.size() - kMostPages;
    pages.resize(kMostPages);
    pages.push_back(fmt::format("{} more", more));
  }
  return pages;
}

// Returns: what was written since `operation` over pages that a revision may use, and survived.
std::vector<std::string> Overwritten(const RecoveryStory& story, size_t operation,
                                     const Meta& meta) {
  std::vector<std::string> pages;
  for (size_t i = operation + 1; i < story.trace.ops.size(); ++i) {
    const Op& op = story.trace.ops[i];
    const PageId page = op.offset_bytes / meta.page_size_bytes;
    const bool is_below = op.kind == OpKind::kWrite && op.result_errno == 0 &&
                          page >= kFirstDataPage && page < meta.high_water_mark;
    const bool is_lost = std::ranges::any_of(
        story.lost, [i](const LostOperation& lost) { return lost.number == i && lost.is_whole; });
    if (!is_below || is_lost) continue;
    if (pages.size() == kMostPages) {
      pages.push_back("others");
      break;
    }
    pages.push_back(fmt::format("page {} (operation {})", page, i));
  }
  return pages;
}

bool LosesMeta(const RecoveryStory& story, size_t slot, uint64_t page_size_bytes) {
  for (const LostOperation& lost : story.lost) {
    for (const auto& [begin, end] : lost.ranges) {
      if (begin / page_size_bytes <= slot && (end - 1) / page_size_bytes >= slot) return true;
    }
  }
  return false;
}

}  // namespace

std::string Retell(const RecoveryStory& story) {
  const FileContent* issued_file = FindFile(story.issued, kStorePath);
  const FileContent* found_file = FindFile(story.found, kStorePath);
  if (issued_file == nullptr) return "";
  if (found_file == nullptr) {
    const bool makes_new = HasDone(story, VfsCallKind::kCreate, kNewStorePath) ||
                           HasDone(story, VfsCallKind::kCreate, kStorePath);
    if (!makes_new) return "";
    return fmt::format(
        "The name {} was lost, so opening finds no store and makes a new, empty one.", kStorePath);
  }
  const Options options = ParseOptions(story.options);
  const MetaChecksum checksum = options.protocol.meta_checksum;
  const std::optional<Meta> first = MetaAt(*issued_file, 0, checksum);
  const uint64_t page_size = first ? first->page_size_bytes : options.page_size_bytes;
  const Slots issued = SlotsOf(*issued_file, options, page_size);
  const Slots found = SlotsOf(*found_file, options, page_size);
  if (!issued.active || !found.active) return "";
  const uint64_t newest = issued.metas[*issued.active]->transaction_id;
  const uint64_t taken = found.metas[*found.active]->transaction_id;
  const auto revision = [&](uint64_t number, size_t slot) {
    return RevisionText(story, number, slot, page_size, checksum);
  };
  std::string text;
  if (taken != newest) {
    if (!LosesMeta(story, *issued.active, page_size)) return "";
    const bool is_torn = !found.metas[*issued.active].has_value();
    text = fmt::format("The meta of {} {}, so opening takes the other meta: {}.",
                       revision(newest, *issued.active),
                       is_torn ? "is torn, its checksum does not fit" : "was lost",
                       revision(taken, *found.active));
    const std::optional<size_t> writer =
        WriterOf(story.trace, newest, *issued.active * page_size, checksum);
    const std::vector<std::string> pages =
        writer ? Overwritten(story, *writer, *found.metas[*found.active])
               : std::vector<std::string>{};
    if (pages.empty()) return text;
    return fmt::format(
        "{} But pages that this revision may still use were written anew since, and that survived: "
        "{}.",
        text, fmt::join(pages, ", "));
  } else {
    text =
        fmt::format("Opening takes the newest meta, that of {}.", revision(taken, *found.active));
  }
  const std::vector<std::string> pages = LostPages(story, page_size);
  if (pages.empty()) return text;
  return fmt::format("{} {} lost, and {} what was there before: {}.", text,
                     pages.size() == 1 ? "But one write of tree or freelist pages was"
                                       : "But writes of tree or freelist pages were",
                     pages.size() == 1 ? "its place still holds" : "their places still hold",
                     fmt::join(pages, ", "));
}

}  // namespace plugpull::cow_tree
