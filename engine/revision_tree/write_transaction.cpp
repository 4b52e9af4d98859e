#include "engine/revision_tree/write_transaction.h"

#include <fmt/format.h>

#include "faults/vfs/whole_calls.h"

namespace plugpull::revision_tree {

WriteTransaction::WriteTransaction(const StoreParts& parts, const Header& committed)
    : parts_(parts), committed_(committed), header_(committed), revision_(committed.current + 1) {}

Child WriteTransaction::NewChain(Bytes data) {
  const size_t page_size = header_.page_size_bytes;
  const uint64_t count = ChainPages(data.size(), header_.page_size_bytes);
  size_t at = bytes_.size();
  bytes_.resize(at + count * page_size);
  PageNumber page = parts_.space.Allocate(header_);
  const int64_t first = OffsetOf(header_, page);
  StoreInt32(&bytes_[at + kNextBytes], static_cast<int32_t>(data.size()));
  size_t room_at = kFirstBytes;
  for (uint64_t i = 0;; ++i) {
    const Bytes part = data.first(std::min(data.size(), page_size - room_at));
    std::ranges::copy(part, &bytes_[at + room_at]);
    data = data.subspan(part.size());
    dirty_pages_.push_back({.page = page, .at = at});
    const int64_t here = OffsetOf(header_, page);
    if (i + 1 == count) {
      StoreInt64(&bytes_[at], kNoOffset);
      return {.first = first, .last = here};
    }
    page = parts_.space.Allocate(header_);
    StoreInt64(&bytes_[at], OffsetOf(header_, page));
    at += page_size;
    room_at = kNextBytes;
  }
}

Expected<void> WriteTransaction::FreeChain(int64_t offset, Revision first_use, Revision last_use) {
  if (options().finds_by_scan) return {};
  const Expected<Chain> chain = parts_.pages.ReadChain(offset);
  if (!chain) return std::unexpected(chain.error());
  if (options().protocol.frees_at_once) {
    parts_.space.AddLoose(chain->pages);
    return {};
  }
  parts_.space.Free({.pages = {chain->pages.begin(), chain->pages.end()},
                     .first_use = first_use,
                     .last_use = last_use,
                     .freed_by = revision_});
  return {};
}

Expected<void> WriteTransaction::FreePage(int64_t offset) {
  const Expected<Chain> chain = parts_.pages.ReadChain(offset);
  if (!chain) return std::unexpected(chain.error());
  if (chain->data.size() < kPageHeaderBytes) {
    return Fail(ErrorCode::kCorrupt, fmt::format("offset {}: no logical page", offset));
  }
  return FreeChain(offset, LoadInt64(chain->data.data()), committed_.current);
}

Expected<void> WriteTransaction::Commit() {
  links_ = parts_.space.ChainLoose(header_);
  std::ranges::sort(dirty_pages_, {}, &DirtyPage::page);
  for (const CommitStep step : options().protocol.commit_steps) {
    if (Expected<void> done = Perform(step); !done) return done;
  }
  return {};
}

Expected<void> WriteTransaction::Perform(CommitStep step) {
  switch (step) {
    case CommitStep::kWriteOngoing:
      return WriteOngoing();
    case CommitStep::kBarrier:
      if (committed_.has(kProposalKFlag) || !options().barrier) return {};
      return parts_.file.Sync(SyncKind::kFull);
    case CommitStep::kWritePages:
      return WritePages();
    case CommitStep::kSync:
      return parts_.file.Sync(SyncKind::kFull);
    case CommitStep::kWriteCurrent:
      return WriteCurrent();
  }
  return {};
}

Expected<void> WriteTransaction::WriteOngoing() {
  if (committed_.has(kProposalKFlag)) return {};
  Header ongoing = committed_;
  ongoing.ongoing = revision_;
  ongoing.flags |= kInUseFlag;
  return parts_.slots.Write(ongoing);
}

Expected<void> WriteTransaction::WritePages() {
  const size_t page_size = header_.page_size_bytes;
  for (const DirtyPage& dirty : dirty_pages_) {
    Expected<void> written =
        WriteFully(parts_.file, dirty.page * page_size, Bytes(bytes_).subspan(dirty.at, page_size));
    if (!written) return written;
  }
  return WriteLinks(parts_.file, header_.page_size_bytes, links_);
}

Expected<void> WriteTransaction::WriteCurrent() {
  header_.flags |= kInUseFlag;
  header_.ongoing = header_.has(kProposalKFlag) ? committed_.current : revision_;
  header_.current = revision_;
  header_.previous_root = committed_.root;
  const bool forgets = options().protocol.forgets_free_head;
  header_.first_free = forgets ? parts_.space.HeadBeforeLast(header_) : parts_.space.Head(header_);
  return parts_.slots.Write(header_);
}

Expected<void> WriteLinks(VfsFile& file, uint32_t page_size_bytes, std::vector<Link> links) {
  std::ranges::stable_sort(links, {}, &Link::page);
  for (const Link& link : links) {
    std::array<std::byte, kNextBytes> next;
    StoreInt64(next.data(), link.next);
    Expected<void> written = WriteFully(file, link.page * page_size_bytes, next);
    if (!written) return written;
  }
  return {};
}

}  // namespace plugpull::revision_tree
