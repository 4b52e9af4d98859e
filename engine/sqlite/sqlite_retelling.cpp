#include "engine/sqlite/sqlite_retelling.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "engine/sqlite/wal_frames.h"

namespace plugpull {
namespace {

constexpr size_t kMostPages = 6;
constexpr std::array<uint8_t, 8> kJournalMagic = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};

bool IsJournal(const FileContent* file) {
  if (file == nullptr) return false;
  std::array<std::byte, kJournalMagic.size()> head{};
  if (file->Read(0, head) < head.size()) return false;
  return std::ranges::equal(head, kJournalMagic, {},
                            [](std::byte byte) { return std::to_integer<uint8_t>(byte); });
}

// Returns: the lost operation that would have finished a journal, and with it its transaction.
const LostOperation* LostEnd(const RecoveryStory& story, const std::string& journal) {
  for (auto lost = story.lost.rbegin(); lost != story.lost.rend(); ++lost) {
    const Op& op = story.trace.ops[lost->number];
    if (lost->path != journal) continue;
    if (op.kind == OpKind::kUnlink) return &*lost;
    if (op.kind == OpKind::kTruncate && op.size_bytes == 0) return &*lost;
    const bool zeroes_header =
        op.kind == OpKind::kWrite && op.offset_bytes == 0 &&
        std::ranges::all_of(story.trace.Payload(op), [](std::byte b) { return b == std::byte{0}; });
    if (zeroes_header) return &*lost;
  }
  return nullptr;
}

// Returns: a write of pages to a journal that was lost; null: none was.
const LostOperation* LostWrite(const RecoveryStory& story, const std::string& journal) {
  const LostOperation* end = LostEnd(story, journal);
  for (const LostOperation& lost : story.lost) {
    const bool is_write = story.trace.ops[lost.number].kind == OpKind::kWrite;
    if (lost.path == journal && is_write && &lost != end) return &lost;
  }
  return nullptr;
}

std::string_view NounOf(OpKind kind) {
  if (kind == OpKind::kUnlink) return "unlink";
  return kind == OpKind::kTruncate ? "truncation" : "zeroing";
}

// A journal that was finished is there again.
std::string RetellHotJournal(const RecoveryStory& story, const std::string& database,
                             const std::string& journal) {
  const bool is_hot =
      IsJournal(FindFile(story.found, journal)) && !IsJournal(FindFile(story.issued, journal));
  const LostOperation* end = LostEnd(story, journal);
  if (!is_hot || end == nullptr || !HasDone(story, VfsCallKind::kRead, journal)) return "";
  const Op& op = story.trace.ops[end->number];
  std::string text = fmt::format(
      "The {} of {} (operation {}), which commits transaction {}, was not yet durable, so on "
      "reopening SQLite finds a hot journal",
      NounOf(op.kind), journal, end->number, end->transaction);
  const bool rolls_back = HasDone(story, VfsCallKind::kWrite, database) ||
                          HasDone(story, VfsCallKind::kTruncate, database);
  const LostOperation* hole = LostWrite(story, journal);
  if (rolls_back && hole == nullptr) {
    text += fmt::format(", writes the pages in it back into {} and rolls transaction {} back",
                        database, end->transaction);
  } else if (rolls_back) {
    text += fmt::format(
        " and writes the pages in it back into {}; but a part of the journal was lost ({}), so "
        "that transaction {} is rolled back only in part",
        database, PlaceOf(*hole), end->transaction);
  }
  return text + ".";
}

// The journal of a transaction under way is gone, or is none any more.
std::string RetellMissingJournal(const RecoveryStory& story, const std::string& database,
                                 const std::string& journal) {
  const FileContent* found = FindFile(story.found, journal);
  if (!IsJournal(FindFile(story.issued, journal)) || IsJournal(found)) return "";
  const std::string why = found == nullptr ? fmt::format("The name of {} was lost", journal)
                                           : fmt::format("The header of {} was lost", journal);
  return fmt::format(
      "{}, so SQLite finds no hot journal and takes {} as it is, with whatever of the transaction "
      "under way has reached it.",
      why, database);
}

// A journal that is hot with good reason, but not whole.
std::string RetellTornJournal(const RecoveryStory& story, const std::string& database,
                              const std::string& journal) {
  const bool is_hot =
      IsJournal(FindFile(story.found, journal)) && IsJournal(FindFile(story.issued, journal));
  const auto lost = std::ranges::find_if(story.lost, [&](const LostOperation& each) {
    return each.path == journal && story.trace.ops[each.number].kind == OpKind::kWrite;
  });
  if (!is_hot || lost == story.lost.end() || !HasDone(story, VfsCallKind::kRead, journal)) {
    return "";
  }
  return fmt::format(
      "The transaction under way left a hot journal, but a part of {} was lost ({}): SQLite can "
      "put "
      "back into {} only the pages that the journal still holds.",
      journal, PlaceOf(*lost), database);
}

std::optional<size_t> EndOfJournalAfter(const RecoveryStory& story, const std::string& journal,
                                        size_t operation) {
  for (size_t i = operation + 1; i < story.trace.ops.size(); ++i) {
    const Op& op = story.trace.ops[i];
    const bool is_end = op.kind == OpKind::kUnlink && op.result_errno == 0 && op.name == journal;
    if (is_end) return i;
  }
  return std::nullopt;
}

// Pages of the database are lost, and nothing is left to put them right.
std::string RetellLostPages(const RecoveryStory& story, const std::string& database,
                            const std::string& journal) {
  if (IsJournal(FindFile(story.found, journal))) return "";
  const auto size = story.options.find("page_size");
  const uint64_t page_bytes = size == story.options.end() ? 4096 : std::stoull(size->second);
  std::vector<std::string> pages;
  std::optional<size_t> end;
  for (const LostOperation& lost : story.lost) {
    const Op& op = story.trace.ops[lost.number];
    if (lost.path != database || op.kind != OpKind::kWrite || lost.ranges.empty()) continue;
    end = EndOfJournalAfter(story, journal, lost.number);
    if (!end) return "";
    pages.push_back(fmt::format("page {} ({})", op.offset_bytes / page_bytes + 1, PlaceOf(lost)));
  }
  if (pages.empty()) return "";
  if (pages.size() > kMostPages) {
    const size_t more = pages.size() - kMostPages;
    pages.resize(kMostPages);
    pages.push_back(fmt::format("{} more", more));
  }
  return fmt::format(
      "Of {} was lost: {}; but the unlink of {} (operation {}), which commits, survived. On "
      "reopening SQLite finds no journal to put them right with, and takes the old pages among the "
      "new ones.",
      database, fmt::join(pages, ", "), journal, *end);
}

std::string RetellWal(const RecoveryStory& story, const std::string& database,
                      const std::string& wal) {
  const FileContent* issued_file = FindFile(story.issued, wal);
  const FileContent* found_file = FindFile(story.found, wal);
  if (issued_file == nullptr) return "";
  const WalFrames issued = ReadWalFrames(*issued_file);
  if (found_file == nullptr) {
    if (issued.commits == 0) return "";
    return fmt::format(
        "The name of {} was lost. SQLite opens {} alone, without the {} transaction{} that only "
        "the log held.",
        wal, database, issued.commits, issued.commits == 1 ? "" : "s");
  }
  const WalFrames found = ReadWalFrames(*found_file);
  const bool is_read = HasDone(story, VfsCallKind::kRead, wal);
  if (!is_read || found.committed >= issued.committed) return "";
  std::string text =
      found.has_header
          ? fmt::format("In {} the chain of checksums ends after frame {}", wal, found.valid)
          : fmt::format("The header of {} was lost", wal);
  const auto lost =
      std::ranges::find_if(story.lost, [&](const LostOperation& each) { return each.path == wal; });
  if (lost != story.lost.end()) text += fmt::format(" ({} was lost)", PlaceOf(*lost));
  return text + fmt::format(
                    ". SQLite believes the log up to the last commit before that: {} of {} frames, "
                    "{} of {} commits.",
                    found.committed, issued.committed, found.commits, issued.commits);
}

}  // namespace

std::string RetellSqlite(const RecoveryStory& story, const std::string& database) {
  const std::string journal = database + "-journal";
  for (const auto retell :
       {RetellHotJournal, RetellMissingJournal, RetellTornJournal, RetellLostPages}) {
    if (std::string text = retell(story, database, journal); !text.empty()) return text;
  }
  return RetellWal(story, database, database + "-wal");
}

}  // namespace plugpull
