// Of RecordStore: what is committed, from pages and from transactions that no page has yet.
#include <algorithm>

#include "engine/serial_log/store.h"
#include "faults/base/assert.h"
#include "faults/base/bytes.h"

namespace plugpull::serial_log {
namespace {

// Visits the records that pages have, in order of their numbers.
template <typename Visitor>
Expected<void> VisitStored(PageCache& pages, RecordPages& records, const Visitor& visit) {
  const int32_t slots = LocatorSlots(pages.page_size_bytes());
  std::vector<std::byte> scratch;
  for (int32_t section = 0; section < static_cast<int32_t>(kSectionsMax); ++section) {
    const Expected<PageNumber> page = records.FindSection(section);
    if (!page) return std::unexpected(page.error());
    if (*page == kNoPage) continue;
    for (int32_t sequence = 0; sequence < SectionSlots(pages.page_size_bytes()); ++sequence) {
      const Expected<PageNumber> number = records.FindLocator(section, sequence);
      if (!number) return std::unexpected(number.error());
      if (*number == kNoPage) break;  // sequences come in their order
      const Expected<Bytes> locator = pages.Read(*number);
      if (!locator) return std::unexpected(locator.error());
      for (int32_t slot = 0; slot < UsedSlots(*locator); ++slot) {
        const LocatorElement element = LoadElement(*locator, slot);
        if (element.page == kNoPage) continue;
        Expected<void> visited =
            visit(RecordId{section, sequence * slots + slot}, element, scratch);
        if (!visited) return visited;
      }
    }
  }
  return {};
}

}  // namespace

Expected<void> RecordStore::Scan(PairVisitor& visitor) {
  if (Expected<void> usable = Usable(); !usable) return usable;
  std::map<RecordId, const std::string*> pending;
  for (const Committed& transaction : committed_) {
    for (const Change& change : transaction.changes) pending[change.id] = &change.bytes;
  }
  const auto show = [&](Bytes record) -> Expected<void> {
    const Expected<KeyAndValue> pair = SplitRecord(record);
    if (!pair) return std::unexpected(pair.error());
    visitor.OnPair(pair->key, pair->value);
    return {};
  };
  Expected<void> visited =
      VisitStored(*pages_, *records_,
                  [&](RecordId id, const LocatorElement& element, std::vector<std::byte>& scratch) {
                    if (!pending.empty() && pending.contains(id)) return Expected<void>();
                    const Expected<Bytes> record = records_->Read(element, scratch);
                    if (!record) return Expected<void>(std::unexpected(record.error()));
                    return show(*record);
                  });
  if (!visited) return visited;
  for (const auto& [id, bytes] : pending) {
    if (bytes->empty()) continue;
    if (Expected<void> shown = show(AsBytes(*bytes)); !shown) return shown;
  }
  return {};
}

// Finds out which record each key is, and which numbers are taken.
Expected<void> RecordStore::LoadIndex() {
  if (is_index_loaded_) return {};
  is_index_loaded_ = true;
  const auto put = [&](RecordId id, Bytes record) -> Expected<void> {
    const Expected<KeyAndValue> pair = SplitRecord(record);
    if (!pair) return std::unexpected(pair.error());
    index_.MarkTaken(id);
    index_.Put(AsText(pair->key), id);
    return {};
  };
  Expected<void> visited =
      VisitStored(*pages_, *records_,
                  [&](RecordId id, const LocatorElement& element, std::vector<std::byte>& scratch) {
                    const Expected<Bytes> record = records_->Read(element, scratch);
                    if (!record) return Expected<void>(std::unexpected(record.error()));
                    return put(id, *record);
                  });
  if (!visited) return Note(visited);
  Assert(committed_.empty(), "the index is loaded before the first commit");
  for (const auto& [id, active] : active_) {
    for (const auto& [key, change] : active.changes) index_.MarkTaken(change.id);
  }
  return {};
}

// Takes up what recovery found prepared: a deleted record says no key, but the page still has it.
Expected<void> RecordStore::AdoptPrepared(const std::vector<PreparedTransaction>& prepared) {
  for (const PreparedTransaction& transaction : prepared) {
    Active& active = active_[transaction.id];
    active.first_block = transaction.first_block;
    active.is_prepared = true;
    for (const Change& change : transaction.changes) {
      std::vector<std::byte> scratch;
      Bytes record = AsBytes(change.bytes);
      if (record.empty()) {
        const int32_t slots = LocatorSlots(pages_->page_size_bytes());
        const Expected<PageNumber> number =
            records_->FindLocator(change.id.section, change.id.record / slots);
        if (!number) return std::unexpected(number.error());
        const Expected<Bytes> locator = pages_->Read(*number);
        if (!locator) return std::unexpected(locator.error());
        const Expected<Bytes> read =
            records_->Read(LoadElement(*locator, change.id.record % slots), scratch);
        if (!read) return std::unexpected(read.error());
        record = *read;
      }
      const Expected<KeyAndValue> pair = SplitRecord(record);
      if (!pair) return std::unexpected(pair.error());
      active.changes.insert_or_assign(std::string(AsText(pair->key)), change);
    }
  }
  return {};
}

Expected<CheckReport> RecordStore::Check() {
  if (Expected<void> usable = Usable(); !usable) return std::unexpected(usable.error());
  const Expected<uint64_t> size = files_.tablespace->Size();
  if (!size) return std::unexpected(size.error());
  std::map<RecordId, const std::string*> latest;
  for (const Committed& transaction : committed_) {
    for (const Change& change : transaction.changes) latest[change.id] = &change.bytes;
  }
  std::vector<PendingChange> pending;
  for (const auto& [id, bytes] : latest) {
    pending.push_back({.section = id.section, .record = id.record, .bytes = std::nullopt});
    if (!bytes->empty()) pending.back().bytes = AsBytes(*bytes);
  }
  const std::vector<LogBlockPlace> blocks(log_->blocks().begin(), log_->blocks().end());
  return CheckStore(StoreView{.pages = *pages_,
                              .file_size_bytes = *size,
                              .sections = files_.header.sections,
                              .log = {.files = log_->files(),
                                      .blocks = blocks,
                                      .read_block = log_->read_block(),
                                      .last_block = log_->last_block(),
                                      .durable_block = log_->durable_block(),
                                      .checkpoint_block = checkpoint_->last(),
                                      .verifies_checksums = options_.log_checksum},
                              .pending = pending});
}

}  // namespace plugpull::serial_log
