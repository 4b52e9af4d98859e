#include "engine/serial_log/recovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/serial_log/reconcile.h"
#include "faults/base/bytes.h"

namespace plugpull::serial_log {

Expected<Recovered> Recovery::Run(LogScan& log) {
  DropUnfinished(log);
  if (Expected<void> taken = TakeInventory(log); !taken) return std::unexpected(taken.error());
  Recovered recovered;
  recovered.checkpoint_block = checkpoint_;
  for (const Seen& transaction : seen_) {
    recovered.highest = std::max(recovered.highest, transaction.id);
  }
  const bool redoes_unknown = options_.mutations.redo_unknown && !seen_.empty();
  recovered.has_redone =
      !images_.empty() || !physical_.empty() || !committed_.empty() || redoes_unknown;
  if (Expected<void> done = RestoreImages(); !done) return std::unexpected(done.error());
  recovered.is_in_log = recovered_ != 0 && physical_.empty() && committed_.empty() &&
                        !redoes_unknown && images_are_recovered();
  if (recovered.has_redone && !recovered.is_in_log) {
    if (Expected<void> done = RedoPhysical(); !done) return std::unexpected(done.error());
    if (Expected<void> done = RedoLogical(); !done) return std::unexpected(done.error());
  }
  if (Expected<void> taken = TakePrepared(recovered); !taken) {
    return std::unexpected(taken.error());
  }
  return recovered;
}

// A recovery that was cut short before its pages were all in the log has written none in place.
void Recovery::DropUnfinished(LogScan& log) {
  const auto is_page = [](const LiveBlock& block) {
    return LogRecordType{std::to_integer<uint8_t>(block.data().front())} ==
           LogRecordType::kRecoveredPage;
  };
  while (log.blocks().size() > 1 && is_page(log.blocks().back())) log.ForgetLast();
}

bool Recovery::images_are_recovered() const {
  return std::ranges::all_of(images_, [](const Physical& image) {
    return image.record.type == LogRecordType::kRecoveredPage;
  });
}

// Phase 1.
Expected<void> Recovery::TakeInventory(const LogScan& log) {
  for (const LiveBlock& block : log.blocks()) {
    LogRecordReader reader(block.data());
    while (!reader.is_at_end()) {
      const Expected<LogRecord> record = reader.Take();
      if (!record) {
        return Fail(ErrorCode::kCorrupt,
                    fmt::format("{}, block {}", record.error().context, block.place.number));
      }
      TakeRecord(*record, block.place.number);
    }
  }
  // What the last checkpoint has made durable is not made afresh.
  if (!options_.mutations.rebuild_every_incarnation) {
    const BlockNumber made = std::max(checkpoint_, recovered_);
    std::erase_if(physical_, [&](const Physical& each) { return each.block <= made; });
  }
  std::erase_if(committed_, [&](const Commit& each) { return each.block <= recovered_; });
  std::erase_if(images_, [&](const Physical& each) { return each.block < checkpoint_at_; });
  return {};
}

void Recovery::TakeRecord(const LogRecord& record, BlockNumber block) {
  switch (record.type) {
    case LogRecordType::kUpdateRecords:
      Find(record.transaction, block).updates.push_back(record);
      return;
    case LogRecordType::kCommit:
      Find(record.transaction, block).outcome = Outcome::kCommitted;
      committed_.push_back({record.transaction, block});
      return;
    case LogRecordType::kRollback:
      Find(record.transaction, block).outcome = Outcome::kRolledBack;
      return;
    case LogRecordType::kPrepare:
      Find(record.transaction, block).outcome = Outcome::kPrepared;
      return;
    case LogRecordType::kCheckpoint:
      checkpoint_ = record.block;
      checkpoint_at_ = block;
      return;
    case LogRecordType::kRecovered:
      recovered_ = record.block;
      return;
    case LogRecordType::kPageImage:
    case LogRecordType::kRecoveredPage:
      images_.push_back({record, block});
      return;
    case LogRecordType::kDataPage:
    case LogRecordType::kRecordLocator:
    case LogRecordType::kSectionPage:
    case LogRecordType::kOverflowPages:
    case LogRecordType::kFreePage:
      physical_.push_back({record, block});
      return;
  }
}

Recovery::Seen& Recovery::Find(TransactionId id, BlockNumber block) {
  const auto found =
      std::find_if(seen_.rbegin(), seen_.rend(), [&](const Seen& each) { return each.id == id; });
  if (found != seen_.rend()) return *found;
  Seen& added = seen_.emplace_back();
  added.id = id;
  added.first_block = block;
  return added;
}

// A page that was about to be written in place when the log ends: the write may be torn, and nobody
// looks at it.
Expected<void> Recovery::RestoreImages() {
  for (const Physical& image : images_) {
    const Expected<MutableBytes> page = Renew(image.record.page);
    if (!page) return std::unexpected(page.error());
    if (image.record.body.size() != page->size()) {
      return Fail(ErrorCode::kCorrupt, fmt::format("corrupted log: an image of page {} of {} bytes",
                                                   image.record.page, image.record.body.size()));
    }
    std::ranges::copy(image.record.body, page->begin());
  }
  return {};
}

// Phase 2. Of several records of a page, the last one is what it is now.
Expected<void> Recovery::RedoPhysical() {
  for (size_t index = 0; index < physical_.size(); ++index) {
    const LogRecord& record = physical_[index].record;
    if (record.type != LogRecordType::kOverflowPages) {
      last_of_page_[record.page] = index;
      continue;
    }
    for (size_t at = 0; at < record.body.size(); at += sizeof(PageNumber)) {
      last_of_page_[Load<PageNumber>(&record.body[at])] = index;
    }
  }
  for (size_t index = 0; index < physical_.size(); ++index) {
    if (Expected<void> done = Rebuild(physical_[index].record, index); !done) return done;
  }
  return {};
}

bool Recovery::IsLast(PageNumber page, size_t index) const {
  return options_.mutations.rebuild_every_incarnation || last_of_page_.at(page) == index;
}

Expected<void> Recovery::Rebuild(const LogRecord& record, size_t index) {
  switch (record.type) {
    case LogRecordType::kSectionPage:
      return IsLast(record.page, index) ? RebuildSection(record) : Expected<void>();
    case LogRecordType::kRecordLocator:
      return IsLast(record.page, index) ? RebuildLocator(record) : Expected<void>();
    case LogRecordType::kDataPage:
      return IsLast(record.page, index) ? RebuildData(record) : Expected<void>();
    case LogRecordType::kFreePage:
      return IsLast(record.page, index) ? RebuildFree(record) : Expected<void>();
    case LogRecordType::kOverflowPages:
      return RebuildOverflow(record, index);
    case LogRecordType::kUpdateRecords:
    case LogRecordType::kCommit:
    case LogRecordType::kRollback:
    case LogRecordType::kPrepare:
    case LogRecordType::kCheckpoint:
    case LogRecordType::kPageImage:
    case LogRecordType::kRecoveredPage:
    case LogRecordType::kRecovered:
      break;
  }
  return {};
}

// Returns: an empty page in place of whatever is there.
Expected<MutableBytes> Recovery::Renew(PageNumber page) {
  if (page < 0 || page >= PagesMax(pages_.page_size_bytes())) {
    return Fail(ErrorCode::kCorrupt, fmt::format("corrupted log: there is no page {}", page));
  }
  return pages_.Replace(page);
}

Expected<void> Recovery::RebuildSection(const LogRecord& record) {
  const Expected<MutableBytes> page = Renew(record.page);
  if (!page) return std::unexpected(page.error());
  if (record.slot < 0 || record.slot >= SectionSlots(page->size())) {
    return Fail(ErrorCode::kCorrupt, fmt::format("corrupted log: no section {}", record.slot));
  }
  FormatPage(*page, PageType::kSection, record.page);
  StoreSectionHeader(*page, SectionHeader{.section = record.slot});
  const Expected<MutableBytes> parent = pages_.Edit(record.parent);
  if (!parent) return std::unexpected(parent.error());
  StoreSectionSlot(*parent, record.slot, record.page);
  return TakeIntoUse(record.page);
}

Expected<void> Recovery::RebuildLocator(const LogRecord& record) {
  const Expected<PageNumber> section = records_.FindSection(record.section);
  if (!section) return std::unexpected(section.error());
  const Expected<MutableBytes> page = Renew(record.page);
  if (!page) return std::unexpected(page.error());
  const bool can_be =
      *section > kIndexRoot && record.sequence >= 0 && record.sequence < SectionSlots(page->size());
  if (!can_be) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: record locator page of section {}, which there is not",
                            record.page, record.section));
  }
  FormatLocatorPage(*page, record.page, record.section, record.sequence);
  const Expected<MutableBytes> parent = pages_.Edit(*section);
  if (!parent) return std::unexpected(parent.error());
  StoreSectionSlot(*parent, record.sequence, record.page);
  return TakeIntoUse(record.page);
}

// The page gets a stub for each line that its locator page knows of.
Expected<void> Recovery::RebuildData(const LogRecord& record) {
  const Expected<MutableBytes> page = Renew(record.page);
  if (!page) return std::unexpected(page.error());
  FormatDataPage(*page, record.page, record.locator);
  const Expected<Bytes> locator = pages_.Read(record.locator);
  if (!locator) return std::unexpected(locator.error());
  if (LoadPageHeader(*locator).type == PageType::kLocator) {
    for (int32_t slot = 0; slot < UsedSlots(*locator); ++slot) {
      const LocatorElement element = LoadElement(*locator, slot);
      if (element.page != record.page || element.line < 0) continue;
      if (element.line >= LinesMax(page->size())) continue;
      StoreLine(*page, element.line, StubLine(page->size()));
      StoreMaxLine(*page, std::max<int16_t>(LoadMaxLine(*page), element.line + int16_t{1}));
    }
  }
  return TakeIntoUse(record.page);
}

Expected<void> Recovery::RebuildOverflow(const LogRecord& record, size_t index) {
  const size_t count = record.body.size() / sizeof(PageNumber);
  const auto number = [&](size_t at) {
    return at < count ? Load<PageNumber>(&record.body[at * sizeof(PageNumber)]) : kNoPage;
  };
  for (size_t at = 0; at < count; ++at) {
    if (!IsLast(number(at), index)) continue;
    const Expected<MutableBytes> page = Renew(number(at));
    if (!page) return std::unexpected(page.error());
    FormatPage(*page, PageType::kOverflow, number(at));
    StoreOverflowHeader(*page, {.next = number(at + 1), .section = record.section});
    if (Expected<void> taken = TakeIntoUse(number(at)); !taken) return taken;
  }
  return {};
}

// A page may have been freed before it was ever written, and a line on disk may still lead to it.
Expected<void> Recovery::RebuildFree(const LogRecord& record) {
  const Expected<Bytes> there = pages_.Read(record.page);
  if (!there && there.error().code == ErrorCode::kCorrupt) {
    if (const Expected<MutableBytes> page = Renew(record.page); !page) {
      return std::unexpected(page.error());
    }
  }
  return SetInInventory(record.page, false);
}

Expected<void> Recovery::SetInInventory(PageNumber page, bool in_use) {
  if (page < kFirstFreePage || page >= PagesMax(pages_.page_size_bytes())) {
    return Fail(ErrorCode::kCorrupt, fmt::format("corrupted log: there is no page {}", page));
  }
  const Expected<MutableBytes> inventory = pages_.Edit(kInventoryPage);
  if (!inventory) return std::unexpected(inventory.error());
  SetInUse(*inventory, page, in_use);
  return {};
}

// Phase 3.
Expected<void> Recovery::RedoLogical() {
  Expected<std::vector<bool>> in_use = std::vector<bool>();
  if (options_.reconcile) in_use = MarkPages(pages_);
  if (!in_use) return std::unexpected(in_use.error());
  space_.BeginRedo(*std::move(in_use));
  for (const Commit& commit : committed_) {
    if (Expected<void> done = Redo(Find(commit.id, commit.block)); !done) return done;
  }
  if (options_.mutations.redo_unknown) {
    for (const Seen& transaction : seen_) {
      if (transaction.outcome != Outcome::kUnknown) continue;
      if (Expected<void> done = Redo(transaction); !done) return done;
    }
  }
  if (options_.reconcile) {
    if (Expected<void> swept = SweepPages(pages_); !swept) return swept;
  }
  space_.EndRedo();
  return {};
}

Expected<void> Recovery::Redo(const Seen& transaction) {
  for (const LogRecord& update : transaction.updates) {
    RecordChangeReader reader(update.body);
    while (!reader.is_at_end()) {
      const Expected<RecordChange> change = reader.Take();
      if (!change) return std::unexpected(change.error());
      Expected<void> done = records_.Update(update.section, change->record, change->bytes);
      if (!done) return done;
    }
  }
  return {};
}

Expected<void> Recovery::TakePrepared(Recovered& recovered) const {
  for (const Seen& transaction : seen_) {
    if (transaction.outcome != Outcome::kPrepared) continue;
    PreparedTransaction& prepared = recovered.prepared.emplace_back();
    prepared.id = transaction.id;
    prepared.first_block = transaction.first_block;
    for (const LogRecord& update : transaction.updates) {
      RecordChangeReader reader(update.body);
      while (!reader.is_at_end()) {
        const Expected<RecordChange> change = reader.Take();
        if (!change) return std::unexpected(change.error());
        prepared.changes.push_back({.id = {update.section, change->record},
                                    .has_earlier_version = update.has_earlier_version,
                                    .bytes = std::string(AsText(change->bytes))});
      }
    }
  }
  return {};
}

}  // namespace plugpull::serial_log
