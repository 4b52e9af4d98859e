#include "engine/revision_tree/recovery.h"

#include "engine/revision_tree/reachable_pages.h"
#include "engine/revision_tree/write_transaction.h"

namespace plugpull::revision_tree {
namespace {

thread_local PageWalk newest_walk;  // kept, so that nothing is allocated for each recovery
thread_local PageWalk reader_walk;

// Returns: what the readers reach beside the newest revision.
Expected<FreedRun> PagesOfReaders(const RecoveryParts& parts, const Header& header) {
  FreedRun held;
  held.last_use = held.freed_by = header.current;
  if (parts.readers.empty()) return held;
  held.first_use = parts.readers.begin()->first;
  PageSet& seen = parts.pages.first_set();
  seen.Reset(newest_walk.page_limit());
  for (const auto& [revision, root] : parts.readers) {
    reader_walk.Begin(newest_walk.page_limit());
    reader_walk.AddTree(root);
    if (const auto walked = reader_walk.Step(parts.pages, 0); !walked) {
      return std::unexpected(walked.error());
    }
    for (PageNumber page = 0; page < newest_walk.page_limit(); ++page) {
      if (reader_walk.Has(page) && !newest_walk.Has(page) && seen.Insert(page)) {
        held.pages.push_back(page);
      }
    }
  }
  return held;
}

// Takes all pages for free that nothing reaches.
Expected<void> FindFreePages(const RecoveryParts& parts, const Header& header) {
  parts.space.Reset();
  newest_walk.Begin(static_cast<PageNumber>(header.page_count),
                    parts.options.protocol.discards_by_revision ? header.current : 0);
  if (Expected<void> added = newest_walk.AddStore(parts.pages, header); !added) return added;
  if (const auto walked = newest_walk.Step(parts.pages, 0); !walked) {
    return std::unexpected(walked.error());
  }
  const bool has_readers = !parts.readers.empty() && !parts.options.protocol.ignores_readers;
  Expected<FreedRun> held = has_readers ? PagesOfReaders(parts, header) : FreedRun{};
  if (!held) return std::unexpected(held.error());
  thread_local std::vector<PageNumber> found;
  found.clear();
  // From the end to the front, so that the lowest page is allocated first.
  for (PageNumber page = newest_walk.page_limit(); page-- > FirstDataPage(header);) {
    if (!newest_walk.Has(page)) found.push_back(page);
  }
  if (!held->pages.empty()) {
    std::erase_if(found, [&](PageNumber page) { return parts.pages.first_set().Contains(page); });
    parts.space.Free(*std::move(held));
  }
  parts.space.AddLoose(found);
  return {};
}

}  // namespace

bool NeedsRecovery(const HeadersRead& read, const Options& options) {
  if (options.protocol.recovers_never) return false;
  const Header& header = read.newest;
  if (!header.has(kProposalKFlag) && header.current != header.ongoing) return true;
  if (!read.is_whole) return true;
  return options.trust == Trust::kFlag && header.has(kInUseFlag);
}

Expected<Header> StepBack(PageCache& pages, const Header& header) {
  if (header.previous_root == kNoOffset || header.current == 0) return header;
  Header older = header;
  --older.current;
  --older.ongoing;
  older.root = header.previous_root;
  older.previous_root = kNoOffset;
  newest_walk.Begin(static_cast<PageNumber>(header.page_count));
  newest_walk.AddTree(older.root);
  if (const auto walked = newest_walk.Step(pages, 0); !walked) {
    return std::unexpected(walked.error());
  }
  older.element_count = static_cast<int64_t>(newest_walk.elements());
  return older;
}

Expected<Header> RecoverStore(const RecoveryParts& parts, Header header, bool is_step_back) {
  const Protocol& protocol = parts.options.protocol;
  if (protocol.trusts_free_list) {
    parts.space.Reset();
    Expected<void> loaded = parts.space.LoadChain(parts.pages, header);
    if (!loaded) return std::unexpected(loaded.error());
  } else if (Expected<void> found = FindFreePages(parts, header); !found) {
    return std::unexpected(found.error());
  }
  header.flags |= kInUseFlag;
  header.previous_root = kNoOffset;
  // The header may be in the page cache alone, after a sync that failed; and the pages of the
  // revision before it are about to be overwritten.
  Expected<void> settled = is_step_back ? parts.slots.WriteAll(header) : parts.slots.Write(header);
  if (settled) settled = parts.file.Sync(SyncKind::kFull);
  if (!settled) return std::unexpected(settled.error());
  if (parts.options.sync_directory) {
    Expected<void> synced = parts.vfs.SyncDirectory("");
    if (!synced) return std::unexpected(synced.error());
  }
  if (!header.has(kProposalKFlag)) header.ongoing = header.current;
  return PublishClean(parts, header, !protocol.recovers_without_sync);
}

Expected<Header> PublishClean(const RecoveryParts& parts, Header header, bool syncs_chain) {
  if (parts.options.protocol.lists_page_twice) parts.space.RepeatFirstLoose();
  const std::vector<Link> links = parts.space.ChainLoose(header);
  Expected<void> linked = WriteLinks(parts.file, header.page_size_bytes, links);
  if (!linked) return std::unexpected(linked.error());
  if (syncs_chain && !links.empty()) {
    Expected<void> synced = parts.file.Sync(SyncKind::kFull);
    if (!synced) return std::unexpected(synced.error());
  }
  header.first_free = parts.options.protocol.forgets_free_head ? parts.space.HeadBeforeLast(header)
                                                               : parts.space.Head(header);
  if (!parts.space.HasWaiting()) header.flags &= ~kInUseFlag;
  if (Expected<void> written = parts.slots.WriteAll(header, syncs_chain); !written) {
    return std::unexpected(written.error());
  }
  if (Expected<void> synced = parts.file.Sync(SyncKind::kFull); !synced) {
    return std::unexpected(synced.error());
  }
  return header;
}

}  // namespace plugpull::revision_tree
