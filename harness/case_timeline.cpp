#include "harness/case_timeline.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull {
namespace {

constexpr size_t kMostCovered = 3;

RowMark MarkOf(const Op& op, const FateOfOperation& fate) {
  if (op.kind == OpKind::kBegin) return RowMark::kBegin;
  if (op.kind == OpKind::kAcknowledge) return RowMark::kAcknowledge;
  if (IsSync(op.kind)) return RowMark::kSync;
  switch (fate.fate) {
    case OperationFate::kNoMatter:
      return RowMark::kNone;
    case OperationFate::kBefore:
      return RowMark::kBefore;
    case OperationFate::kDurable:
      return RowMark::kDurable;
    case OperationFate::kGone:
      return RowMark::kGone;
    case OperationFate::kKept:
      return RowMark::kKept;
    case OperationFate::kLost:
      return RowMark::kLost;
    case OperationFate::kTorn:
      return RowMark::kTorn;
    case OperationFate::kPartly:
      return RowMark::kPartly;
  }
  return RowMark::kNone;
}

// Writes "90, 91 and 94", or how many there are, as numbers that count from `begin`.
std::string Numbers(std::vector<size_t> numbers, size_t begin) {
  std::erase_if(numbers, [begin](size_t number) { return number < begin; });
  for (size_t& number : numbers) number -= begin;
  if (numbers.size() > kMostCovered) {
    return fmt::format("{} operations, {} to {}", numbers.size(), numbers.front(), numbers.back());
  }
  std::string text;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) text += i + 1 == numbers.size() ? " and " : ", ";
    text += fmt::format("{}", numbers[i]);
  }
  return text;
}

std::string FateText(const Op& op, const FateOfOperation& fate, size_t begin) {
  if (IsSync(op.kind)) {
    if (IsFailedSync(op)) return "made nothing durable";
    if (fate.is_lie) return "a lie: made nothing durable";
    return fate.covers.empty() ? "had nothing to make durable"
                               : "made durable " + Numbers(fate.covers, begin);
  }
  switch (fate.fate) {
    case OperationFate::kNoMatter:
      return "";
    case OperationFate::kBefore:
      return "there before the run";
    case OperationFate::kDurable:
      return fmt::format("durable since {}", *fate.settled_by - begin);
    case OperationFate::kGone:
      return fmt::format("of no matter since {}", *fate.settled_by - begin);
    case OperationFate::kKept:
      return "no sync yet; it survived";
    case OperationFate::kLost: {
      const bool is_name = std::ranges::all_of(
          fate.lost, [](const AtomId& atom) { return atom.kind == AtomKind::kName; });
      return is_name ? "directory not synced yet; lost" : "no sync yet; it is lost";
    }
    case OperationFate::kTorn:
      return "lost: " + RangesText(fate.lost_ranges);
    case OperationFate::kPartly:
      return "lost: " + fate.lost_part;
  }
  return "";
}

TimelineRow LeftOut(size_t count) {
  return {.mark = RowMark::kLeftOut,
          .what = fmt::format("{} operation{} not shown", count, count == 1 ? "" : "s")};
}

}  // namespace

std::string WordsOf(const SavingSync& sync, const OperationWords& words) {
  const std::string name =
      sync.is_directory ? words.NameOf(sync.inode) : words.NameBefore(sync.inode, sync.before);
  return sync.is_directory ? fmt::format("sync the directory {} (fsync)", name)
                           : fmt::format("sync {} (fsync or fdatasync)", name);
}

std::vector<TimelineRow> TimelineOf(const Trace& trace, const OperationWords& words,
                                    const std::vector<FateOfOperation>& fates,
                                    const TimelineSettings& settings) {
  const size_t end = trace.ops.size();
  const size_t first_shown = std::max(settings.begin, end - std::min(end, settings.most_rows));
  std::vector<TimelineRow> rows;
  uint32_t transaction = 0;
  size_t left_out = 0;
  for (size_t i = 0; i < end; ++i) {
    const Op& op = trace.ops[i];
    if (op.kind == OpKind::kBegin) transaction = op.transaction;
    if (i < settings.begin) continue;
    const bool has_missing = std::ranges::any_of(
        settings.missing, [i](const SavingSync& sync) { return sync.before == i; });
    if (i < first_shown && fates[i].lost.empty() && !has_missing) {
      ++left_out;
      continue;
    }
    if (left_out > 0) rows.push_back(LeftOut(left_out));
    left_out = 0;
    for (const SavingSync& sync : settings.missing) {
      if (sync.before != i) continue;
      rows.push_back({.mark = RowMark::kMissing, .what = WordsOf(sync, words)});
    }
    TimelineRow row{.mark = MarkOf(op, fates[i]),
                    .is_operation = true,
                    .number = i - settings.begin,
                    .transaction = transaction,
                    .what = words.Of(i),
                    .fate = FateText(op, fates[i], settings.begin)};
    if (op.site != 0 && op.site <= trace.sites.size()) row.site = trace.sites[op.site - 1].frames;
    rows.push_back(std::move(row));
  }
  if (left_out > 0) rows.push_back(LeftOut(left_out));
  if (!settings.crash.empty()) {
    rows.push_back({.mark = RowMark::kCrash, .what = settings.crash});
  }
  return rows;
}

}  // namespace plugpull
