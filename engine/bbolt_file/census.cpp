#include "engine/bbolt_file/census.h"

#include <xxhash.h>

#include <algorithm>

#include "engine/bbolt_file/page_layout.h"
#include "faults/base/bytes.h"

namespace plugpull::bbolt_file {
namespace {

using cow_tree::kBranchFlag;
using cow_tree::kLeafFlag;

constexpr uint64_t kWindowBytes = 1 << 20;
constexpr uint64_t kRunBytesMax = 256 << 10;  // longer ones are left to the walk of the trees

bool IsTreePage(const PageFacts& facts, PageId id) {
  return facts.id == id && (facts.flags == kBranchFlag || facts.flags == kLeafFlag);
}

bool IsZero(Bytes bytes) {
  return bytes[0] == std::byte{0} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

PageFacts FactsOf(Bytes page) {
  const cow_tree::PageHeader header = cow_tree::LoadPageHeader(page.data());
  return PageFacts{.id = header.id,
                   .content_hash = XXH3_64bits(page.data() + 8, page.size() - 8),
                   .overflow = header.overflow,
                   .flags = header.flags,
                   .count = header.count,
                   .is_zero = IsZero(page)};
}

Expected<void> CheckRun(Bytes run, PageId id, uint32_t page_size_bytes, PageFacts& facts) {
  const Expected<PageLayout> layout = CheckLayout(PageRun(run), id, page_size_bytes, true);
  if (!layout) return std::unexpected(layout.error());
  facts.state = layout->faults.empty() ? PageState::kSound : PageState::kFaulty;
  facts.has_buckets = layout->has_buckets;
  facts.payload_bytes = static_cast<uint32_t>(layout->payload_bytes);
  return {};
}

}  // namespace

Expected<Census> Census::Take(const PageFile& file) {
  const uint64_t page_bytes = file.page_size_bytes();
  const uint64_t run_pages_max = std::max<uint64_t>(kRunBytesMax / page_bytes, 1);
  const uint64_t window_pages = std::max<uint64_t>(kWindowBytes / page_bytes, 2 * run_pages_max);
  std::vector<std::byte> window(std::min(window_pages, file.page_count()) * page_bytes);
  Census census;
  census.facts_.resize(file.page_count());
  census.last_keys_bytes_max_ = std::min<uint64_t>(file.size_bytes() / 64, UINT32_MAX / 2);
  file.ExpectSequentialReads();
  PageId begin = 0;  // of the window
  PageId end = 0;    // of what has been read
  for (PageId id = 0; id < file.page_count();) {
    if (id >= end) {
      begin = id;
      end = std::min(begin + window_pages, file.page_count());
      Expected<void> read =
          file.Read(begin * page_bytes, std::span(window).first((end - begin) * page_bytes));
      if (!read) return std::unexpected(read.error());
    }
    const Bytes bytes = Bytes(window).subspan((id - begin) * page_bytes);
    PageFacts& facts = census.facts_[id];
    facts = FactsOf(bytes.first(page_bytes));
    if (id >= cow_tree::kFirstDataPage && IsTreePage(facts, id)) {
      const uint64_t run_pages = uint64_t{facts.overflow} + 1;
      if (run_pages > run_pages_max || id + run_pages > file.page_count()) {
        facts.state = PageState::kUnchecked;
      } else if (id + run_pages > end) {
        end = id;  // read on from here, so that the run is in the window whole
        continue;
      } else {
        Expected<void> checked =
            CheckRun(bytes.first(run_pages * page_bytes), id, file.page_size_bytes(), facts);
        if (!checked) return std::unexpected(checked.error());
        census.KeepKeys(bytes.first(run_pages * page_bytes), facts);
      }
    }
    ++id;
  }
  return census;
}

void Census::KeepKeys(Bytes run, PageFacts& facts) {
  constexpr size_t kKeyBytesMax = 255;
  if (facts.state != PageState::kSound || facts.flags != kLeafFlag || facts.has_buckets ||
      facts.count == 0) {
    return;
  }
  const cow_tree::TreePage leaf(run);
  const Bytes first = leaf.Key(0);
  const Bytes last = leaf.Key(facts.count - 1);
  facts.first_key_hash = XXH3_64bits(first.data(), first.size());
  if (last.size() > kKeyBytesMax || last_keys_.size() + last.size() >= last_keys_bytes_max_) return;
  facts.last_key_at = static_cast<uint32_t>(last_keys_.size());
  last_keys_.push_back(static_cast<std::byte>(last.size()));
  last_keys_.insert(last_keys_.end(), last.begin(), last.end());
}

bool Census::IsKnownToFit(PageId id, const std::optional<std::string>& lower,
                          const std::optional<std::string>& upper) const {
  const PageFacts& facts = facts_[id];
  if (facts.last_key_at == 0) return false;
  if (lower && XXH3_64bits(lower->data(), lower->size()) != facts.first_key_hash) return false;
  const Bytes last =
      Bytes(last_keys_)
          .subspan(facts.last_key_at + 1, static_cast<size_t>(last_keys_[facts.last_key_at]));
  return !upper || cow_tree::CompareKeys(last, AsBytes(*upper)) < 0;
}

std::string KindOf(const PageFacts& facts) {
  return facts.is_zero ? "zeros" : cow_tree::PageTypeName(facts.flags);
}

}  // namespace plugpull::bbolt_file
