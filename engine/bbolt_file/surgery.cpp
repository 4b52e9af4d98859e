#include "engine/bbolt_file/surgery.h"

#include <fmt/format.h>

#include "engine/bbolt_file/single_file_vfs.h"
#include "engine/bbolt_file/surgery_pages.h"
#include "engine/cow_tree/cow_tree.h"
#include "engine/cow_tree/store_file.h"
#include "engine/cow_tree/tree_node.h"

namespace plugpull::bbolt_file {
namespace {

using cow_tree::kBucketElementFlag;
using cow_tree::kNoFreelist;
using cow_tree::Node;
using cow_tree::TreePage;

std::string Plural(uint64_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

void WarnOfFreelist(const SurgeryPages& pages, SurgeryReport& report) {
  if (!pages.HasFreelist()) return;
  report.warnings.push_back(
      "the stored freelist does not know of this and may be wrong now: freelist-abandon, or the "
      "next commit may overwrite live pages");
}

std::unexpected<Error> FailMetaPage(std::string_view what) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: pages 0 and 1 are the metas; revert-meta and freelist-abandon are "
                          "for those",
                          what));
}

// Returns: the bytes of a page when each of its elements has its own. Elements that share bytes
// would unfold to far more than the file has.
uint64_t PackedBytes(const TreePage& page) {
  uint64_t size_bytes = cow_tree::kPageHeaderBytes;
  for (uint32_t index = 0; index < page.count(); ++index) {
    const cow_tree::Element element =
        page.IsLeaf() ? page.LeafElement(index) : page.BranchElement(index);
    size_bytes += cow_tree::kElementBytes + element.key.size() + element.value.size();
  }
  return size_bytes;
}

struct ElementRange {
  uint32_t first = 0;
  uint32_t last = 0;
};

Expected<ElementRange> CheckRange(PageId page, uint32_t count, int64_t from, int64_t to) {
  if (to == -1) to = count;
  if (from < 0 || from >= count) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("page {} has elements 0 to {}, none from {} on", page,
                            static_cast<int64_t>(count) - 1, from));
  }
  if (to <= from || to > count) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("elements {} to before {} are none of page {}, which has {}", from, to,
                            page, count));
  }
  return ElementRange{static_cast<uint32_t>(from), static_cast<uint32_t>(to)};
}

// Finds a page whose elements may be taken one by one.
Expected<void> CheckElements(const TreePage& page, PageId id) {
  if (!page.IsLeaf() && !page.IsBranch()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("page {} is of type {}; elements are those of leaves and branches", id,
                            cow_tree::PageTypeName(page.header().flags)));
  }
  if (!page.ElementsLieInside() || PackedBytes(page) > page.bytes().size()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: an element lies outside the page, or on another; clear-page "
                            "drops them all",
                            id));
  }
  return {};
}

// What is lost below elements that are dropped.
void WarnOfBelow(const TreePage& page, ElementRange range, SurgeryReport& report) {
  if (page.IsBranch()) {
    report.warnings.push_back(
        fmt::format("{} below a branch can no longer be reached, with all keys in them",
                    Plural(range.last - range.first, "page")));
    return;
  }
  uint64_t buckets = 0;
  for (uint32_t index = range.first; index < range.last; ++index) {
    buckets += (page.LeafElement(index).flags & kBucketElementFlag) != 0 ? 1 : 0;
  }
  if (buckets > 0) {
    report.warnings.push_back(
        fmt::format("{} with all that was in it went with them", Plural(buckets, "bucket")));
  }
}

}  // namespace

Expected<SurgeryReport> RevertMeta(VfsFile& file) {
  const Expected<SurgeryPages> pages = SurgeryPages::Open(file);
  if (!pages) return std::unexpected(pages.error());
  const std::array<RawMeta, 2>& metas = pages->metas();
  const PageId source = metas[0].meta.transaction_id < metas[1].meta.transaction_id ? 0 : 1;
  const PageId target = 1 - source;
  Expected<std::vector<std::byte>> other = pages->ReadRun(target);
  if (!other) return std::unexpected(other.error());
  Expected<std::vector<std::byte>> page = pages->ReadRun(source);
  if (!page) return std::unexpected(page.error());
  page->resize(pages->page_size_bytes());  // a meta has no overflow, whatever it says
  cow_tree::Store(page->data(), uint64_t{target});
  if (Expected<void> written = pages->WriteRun(target, *page); !written) {
    return std::unexpected(written.error());
  }
  SurgeryReport report;
  report.done.push_back(fmt::format("meta {} (txid {}) is now a copy of meta {} (txid {})", target,
                                    metas[target].meta.transaction_id, source,
                                    metas[source].meta.transaction_id));
  if (!metas[source].is_valid()) {
    report.warnings.push_back(
        fmt::format("meta {} is not valid ({}), and now neither is", source, metas[source].fault));
  } else if (metas[0].meta.transaction_id == metas[1].meta.transaction_id) {
    report.warnings.push_back(
        "both metas had the same txid before: there was nothing to go back to");
  }
  return report;
}

Expected<SurgeryReport> ClearPage(VfsFile& file, PageId page) {
  const Expected<SurgeryPages> pages = SurgeryPages::Open(file);
  if (!pages) return std::unexpected(pages.error());
  if (page < cow_tree::kFirstDataPage) return FailMetaPage("clear-page");
  Expected<std::vector<std::byte>> run = pages->ReadRun(page);
  if (!run) return std::unexpected(run.error());
  PageHeader header = cow_tree::LoadPageHeader(run->data());
  const PageHeader before = header;
  header.count = 0;
  header.overflow = 0;
  cow_tree::StorePageHeader(run->data(), header);
  const auto first = std::span(*run).first(pages->page_size_bytes());
  if (Expected<void> written = pages->WriteRun(page, first); !written) {
    return std::unexpected(written.error());
  }
  SurgeryReport report;
  report.done.push_back(fmt::format("page {} ({}) had {} and {} of overflow, and has none now",
                                    page, cow_tree::PageTypeName(before.flags),
                                    Plural(before.count, "element"),
                                    Plural(before.overflow, "page")));
  if (before.flags == cow_tree::kBranchFlag) {
    report.warnings.push_back(
        "a branch without elements: all keys below it are lost, and a search that comes here may "
        "end bbolt; prefer salvage");
  }
  WarnOfFreelist(*pages, report);
  return report;
}

Expected<SurgeryReport> ClearPageElements(VfsFile& file, PageId page, int64_t from, int64_t to) {
  const Expected<SurgeryPages> pages = SurgeryPages::Open(file);
  if (!pages) return std::unexpected(pages.error());
  if (page < cow_tree::kFirstDataPage) return FailMetaPage("clear-page-elements");
  const Expected<std::vector<std::byte>> run = pages->ReadRun(page);
  if (!run) return std::unexpected(run.error());
  const TreePage before(*run);
  if (Expected<void> sound = CheckElements(before, page); !sound) {
    return std::unexpected(sound.error());
  }
  const Expected<ElementRange> range = CheckRange(page, before.count(), from, to);
  if (!range) return std::unexpected(range.error());

  Node node;
  cow_tree::FillNode(node, before);
  node.entries.erase(node.entries.begin() + range->first, node.entries.begin() + range->last);
  const uint64_t overflow = (SerializedBytes(node) - 1) / pages->page_size_bytes();
  std::vector<std::byte> after((overflow + 1) * pages->page_size_bytes());
  cow_tree::StorePageHeader(after.data(),
                            PageHeader{.id = page, .overflow = static_cast<uint32_t>(overflow)});
  SerializeNode(node, {0, node.entries.size()}, after);
  if (Expected<void> written = pages->WriteRun(page, after); !written) {
    return std::unexpected(written.error());
  }
  SurgeryReport report;
  report.done.push_back(fmt::format("page {} ({}) lost elements {} to {}, and has {} now", page,
                                    cow_tree::PageTypeName(before.header().flags), range->first,
                                    range->last - 1, Plural(node.entries.size(), "element")));
  WarnOfBelow(before, *range, report);
  const uint64_t given_up = before.header().overflow - overflow;
  if (given_up > 0)
    report.done.push_back(fmt::format("it gave up {} of overflow", Plural(given_up, "page")));
  if (given_up > 0 || before.IsBranch()) WarnOfFreelist(*pages, report);
  return report;
}

Expected<SurgeryReport> CopyPage(VfsFile& file, PageId from, PageId to) {
  const Expected<SurgeryPages> pages = SurgeryPages::Open(file);
  if (!pages) return std::unexpected(pages.error());
  if (from == to) return Fail(ErrorCode::kInvalidArgument, "copy-page needs two different pages");
  if ((from < cow_tree::kFirstDataPage) != (to < cow_tree::kFirstDataPage)) {
    return FailMetaPage("copy-page");
  }
  Expected<std::vector<std::byte>> run = pages->ReadRun(from);
  if (!run) return std::unexpected(run.error());
  const PageId page_count = run->size() / pages->page_size_bytes();
  if (Expected<void> there = pages->CheckPage(to + page_count - 1);
      to > to + page_count || !there) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no room for {} at page {}: the file has pages 0 to {}",
                            Plural(page_count, "page"), to, pages->page_count() - 1));
  }
  if (to < from + page_count && from < to + page_count) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("page {} with its {} of overflow reaches over page {}", from,
                            Plural(page_count - 1, "page"), to));
  }
  cow_tree::Store(run->data(), uint64_t{to});
  if (Expected<void> written = pages->WriteRun(to, *run); !written) {
    return std::unexpected(written.error());
  }
  SurgeryReport report;
  report.done.push_back(fmt::format("page {} is now a copy of page {} ({}, {} in all)", to, from,
                                    cow_tree::PageTypeName(TreePage(*run).header().flags),
                                    Plural(page_count, "page")));
  if (page_count > 1) {
    report.warnings.push_back(fmt::format("pages {} to {} were overwritten with its overflow",
                                          to + 1, to + page_count - 1));
  }
  WarnOfFreelist(*pages, report);
  return report;
}

Expected<SurgeryReport> FreelistAbandon(VfsFile& file) {
  const Expected<SurgeryPages> pages = SurgeryPages::Open(file);
  if (!pages) return std::unexpected(pages.error());
  SurgeryReport report;
  for (PageId slot = 0; slot < 2; ++slot) {
    const RawMeta& meta = pages->metas()[slot];
    if (!meta.is_valid()) {
      // bbolt's tool gives such a meta a checksum that fits, and what is wrong in it counts again.
      report.warnings.push_back(
          fmt::format("meta {} is not valid ({}) and was left alone", slot, meta.fault));
      continue;
    }
    if (meta.meta.freelist == kNoFreelist) continue;
    std::array<std::byte, cow_tree::kMetaBytes> bytes;
    Meta changed = meta.meta;
    changed.freelist = kNoFreelist;
    cow_tree::StoreMeta(bytes, slot, changed);
    cow_tree::StorePageHeader(bytes.data(), meta.header);
    const uint64_t offset_bytes = slot * pages->page_size_bytes();
    if (Expected<void> written = file.Write(offset_bytes, bytes); !written) {
      return std::unexpected(written.error());
    }
    report.done.push_back(fmt::format("meta {} (txid {}) no longer names page {} as its freelist",
                                      slot, meta.meta.transaction_id, meta.meta.freelist));
  }
  if (!pages->ActiveSlot()) {
    return Fail(ErrorCode::kCorrupt, "neither meta is valid: no open would look for a freelist");
  }
  if (report.done.empty()) report.done.push_back("there is no stored freelist; nothing to do");
  return report;
}

Expected<SurgeryReport> FreelistRebuild(VfsFile& file) {
  const Expected<SurgeryPages> pages = SurgeryPages::Open(file);
  if (!pages) return std::unexpected(pages.error());
  const std::optional<PageId> slot = pages->ActiveSlot();
  if (!slot) return Fail(ErrorCode::kCorrupt, "neither meta is valid: there is no tree to look at");
  if (pages->HasFreelist()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a freelist is stored already, on page {}; freelist-abandon drops it",
                            pages->metas()[*slot].meta.freelist));
  }
  // An open that is to keep a freelist commits an empty transaction when there is none.
  SingleFileVfs vfs(file, cow_tree::kStorePath);
  EngineOptions options;
  for (const OptionSpec& spec : CowTreeType().options()) options[spec.name] = spec.default_value;
  const std::unique_ptr<Engine> engine = CowTreeType().Create(vfs, options);
  if (Expected<void> opened = engine->Open(); !opened) return std::unexpected(opened.error());
  if (Expected<void> closed = engine->Close(); !closed) return std::unexpected(closed.error());
  const Expected<SurgeryPages> after = SurgeryPages::Open(file);
  if (!after) return std::unexpected(after.error());
  const Meta& meta = after->metas()[after->ActiveSlot().value_or(0)].meta;
  SurgeryReport report;
  report.done.push_back(
      fmt::format("page {} holds a freelist made from the tree, by transaction {}", meta.freelist,
                  meta.transaction_id));
  return report;
}

}  // namespace plugpull::bbolt_file
