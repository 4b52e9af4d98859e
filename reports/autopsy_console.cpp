#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "reports/autopsy_report.h"

namespace plugpull {
namespace bbolt_file {
namespace {

constexpr size_t kShownMax = 20;  // of each list: the JSON has them all
constexpr size_t kShownPagesMax = 12;

std::string Paint(std::string_view text, std::string_view code, ConsoleStyle style) {
  if (!style.color) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string Count(uint64_t count, std::string_view word) {
  return fmt::format("{} {}{}", Grouped(count), word, count == 1 ? "" : "s");
}

std::string PageList(const std::vector<PageId>& pages, uint64_t total) {
  const size_t shown = std::min(pages.size(), kShownPagesMax);
  std::string text = fmt::format("{}", fmt::join(pages.begin(), pages.begin() + shown, " "));
  if (total > shown) text += fmt::format(" and {} more", Grouped(total - shown));
  return text;
}

std::string More(uint64_t total, size_t shown) {
  return total > shown ? fmt::format("  and {} more\n", Grouped(total - shown)) : "";
}

// Returns: the command that an operator tries first.
std::string NextStep(const Autopsy& autopsy) {
  const auto surgery = [&](std::string_view verb) {
    return fmt::format("plugpull surgery {} {} --output {}", verb, Quoted(autopsy.path),
                       Quoted(autopsy.path + ".mended"));
  };
  switch (autopsy.recoverability) {
    case Recoverability::kSound:
      return "nothing to do";
    case Recoverability::kPreviousMeta:
      return surgery("revert-meta");
    case Recoverability::kFreelistScan:
      return surgery("freelist-abandon");
    case Recoverability::kPageSurgery:
      return surgery("salvage");
    case Recoverability::kNothingLeft:
      return "restore a backup: neither root leads to anything that can be read";
  }
  return "";
}

std::string_view WhatItBrings(Recoverability recoverability) {
  switch (recoverability) {
    case Recoverability::kSound:
    case Recoverability::kNothingLeft:
      return "";
    case Recoverability::kPreviousMeta:
      return "the older root is whole: all but the newest transaction comes back";
    case Recoverability::kFreelistScan:
      return "the tree that the newest root shows is whole, its list of free pages is not";
    case Recoverability::kPageSurgery:
      return "no root is whole: salvage keeps every key that either root proves, and lists the "
             "rest";
  }
  return "";
}

std::string Head(const Autopsy& autopsy, ConsoleStyle style) {
  std::string text = Paint(AutopsyVerdict(autopsy), autopsy.is_sound() ? "1;32" : "1;31", style);
  text += "\n";
  if (autopsy.changed_while_read) {
    text += Paint("the file changed while it was read: stop its writer, then look again\n", "1;33",
                  style);
  }
  if (autopsy.is_sound()) return text;
  const std::string next = NextStep(autopsy);
  text += fmt::format("\n  next       {}\n", Printable(next));
  const std::string_view brings = WhatItBrings(autopsy.recoverability);
  if (!brings.empty()) text += fmt::format("             {}\n", brings);
  for (const Diagnosis& diagnosis : autopsy.diagnoses) {
    const bool is_first = &diagnosis == &autopsy.diagnoses.front();
    const std::string level =
        diagnosis.level
            ? fmt::format("level {} ({})", InfoOf(*diagnosis.level).number, Name(*diagnosis.level))
            : "a bug of software";
    text += fmt::format(
        "  {:<10} {}, {}, {}\n", is_first ? "cause" : "or", level, Name(diagnosis.confidence),
        diagnosis.possible_on_honest_disk ? "possible on an honest disk" : "beyond an honest disk");
    if (!is_first) text += fmt::format("             {}\n", Printable(diagnosis.sentence));
    // Of the first one it is as a rule what was said above already.
    if (!diagnosis.advice.empty() && !next.contains(diagnosis.advice)) {
      text += fmt::format("             {}\n", Printable(diagnosis.advice));
    }
  }
  return text;
}

std::string Metas(const Autopsy& autopsy) {
  std::string text =
      fmt::format("\nfile         {}, {} of {}\n", Count(autopsy.file_bytes, "byte"),
                  Count(autopsy.file_pages, "page"), Count(autopsy.page_size_bytes, "byte"));
  for (const MetaFinding& finding : autopsy.metas) {
    text += fmt::format("meta {}       ", finding.slot);
    if (finding.meta) {
      const Meta& meta = *finding.meta;
      const std::string freelist =
          meta.freelist == cow_tree::kNoFreelist ? "not stored" : fmt::format("{}", meta.freelist);
      text += fmt::format("txid {}, root {}, freelist {}, high-water mark {}", meta.transaction_id,
                          meta.root.root, freelist, meta.high_water_mark);
    }
    if (!finding.fault.empty()) {
      text += fmt::format("{}{}", finding.meta ? ": " : "", Printable(finding.fault));
    }
    text += finding.is_active ? ": active\n" : "\n";
  }
  if (!autopsy.active_reason.empty()) {
    text += fmt::format("             {}\n", Printable(autopsy.active_reason));
  }
  return text;
}

std::string Violations(const std::vector<Violation>& violations, uint64_t more) {
  std::string text;
  const size_t shown = std::min(violations.size(), kShownMax);
  for (const Violation& violation : std::span(violations).first(shown)) {
    text += fmt::format("  {:<4} {}\n", violation.rule, Printable(violation.text));
    std::vector<std::string> where;
    if (!violation.stack.empty()) {
      where.push_back(fmt::format("stack [{}]", fmt::join(violation.stack, " ")));
    }
    if (!violation.key.empty()) where.push_back("key (hex)" + violation.key);
    if (!violation.bucket.empty()) where.push_back("bucket " + Printable(violation.bucket));
    if (!where.empty()) text += fmt::format("       {}\n", fmt::join(where, ", "));
  }
  return text + More(violations.size() + more, shown);
}

std::string Trees(const Autopsy& autopsy, ConsoleStyle style) {
  std::string text;
  for (const TreeFinding& tree : autopsy.trees) {
    const std::string state =
        tree.is_whole
            ? Paint("whole", "32", style)
            : fmt::format("{}, {}", Paint("damaged", "31", style),
                          Count(tree.violations.size() + tree.more_violations, "violation"));
    text += fmt::format("\ntree of meta {} ({}): {}\n", tree.slot,
                        tree.is_active ? "active" : "previous", state);
    text += fmt::format("  reaches {} in {}, {}, {} deep; {} of keys and values\n",
                        Count(tree.keys, "key"), Count(tree.buckets, "bucket"),
                        Count(tree.pages, "page"), Count(tree.depth, "level"),
                        Count(tree.bytes, "byte"));
    text += Violations(tree.violations, tree.more_violations);
  }
  const Comparison& comparison = autopsy.comparison;
  if (comparison.is_possible) {
    text += fmt::format(
        "\nboth trees   share {}; {} only in the active one, {} only in the previous one; going "
        "back would {}give a whole tree\n",
        Count(comparison.shared_pages, "page"), Grouped(comparison.only_active),
        Grouped(comparison.only_previous), comparison.previous_is_whole ? "" : "not ");
  }
  return text;
}

std::string Freelist(const FreelistFinding& freelist) {
  if (!freelist.is_persisted)
    return "freelist     not stored: an open finds free pages by walking\n";
  std::string text =
      fmt::format("freelist     on page {}, {}\n", freelist.page, Count(freelist.ids, "id"));
  if (freelist.reachable_freed_count > 0) {
    text += fmt::format("  in use and yet free: {}\n",
                        PageList(freelist.reachable_freed, freelist.reachable_freed_count));
  }
  if (freelist.unreachable_unfreed_count > 0) {
    text += fmt::format("  neither in use nor free: {}\n",
                        PageList(freelist.unreachable_unfreed, freelist.unreachable_unfreed_count));
  }
  return text;
}

std::string Pages(const Autopsy& autopsy) {
  std::string text;
  if (!autopsy.suspects.empty()) text += "\npages that do not fit where they lie\n";
  const size_t shown = std::min(autopsy.suspects.size(), kShownMax);
  for (const Suspect& suspect : std::span(autopsy.suspects).first(shown)) {
    text += fmt::format("  page {} ({}): {}\n", suspect.page, Printable(suspect.kind),
                        Printable(suspect.evidence));
    if (!suspect.stack.empty()) {
      text += fmt::format("       stack [{}]\n", fmt::join(suspect.stack, " "));
    }
  }
  text += More(autopsy.suspects.size(), shown);
  if (!autopsy.duplicates.empty()) text += "\npages with the same contents\n";
  const size_t pairs = std::min(autopsy.duplicates.size(), kShownMax);
  for (const Duplicate& duplicate : std::span(autopsy.duplicates).first(pairs)) {
    text += fmt::format("  {}: {} with {}\n", PageList(duplicate.pages, duplicate.pages.size()),
                        Printable(duplicate.kind), Count(duplicate.elements, "element"));
  }
  return text + More(autopsy.duplicate_count, pairs);
}

}  // namespace
}  // namespace bbolt_file

std::string AutopsyVerdict(const bbolt_file::Autopsy& autopsy) {
  using namespace bbolt_file;
  std::string verdict = autopsy.is_sound() ? "sound" : "damaged";
  if (!autopsy.diagnoses.empty()) verdict += ": " + autopsy.diagnoses.front().sentence;
  if (autopsy.is_sound() && !autopsy.trees.empty()) {
    const TreeFinding& tree = autopsy.trees.front();
    verdict += fmt::format(", {} in {}, {}", Count(tree.keys, "key"), Count(tree.buckets, "bucket"),
                           Count(autopsy.file_pages, "page"));
  }
  return fmt::format("{}: {}", Printable(autopsy.path), Printable(verdict));
}

std::string RenderAutopsyConsole(const bbolt_file::Autopsy& autopsy, ConsoleStyle style) {
  using namespace bbolt_file;
  std::string text = Head(autopsy, style) + Metas(autopsy);
  if (!autopsy.file_violations.empty()) text += "\n" + Violations(autopsy.file_violations, 0);
  return text + Trees(autopsy, style) + Freelist(autopsy.freelist) + Pages(autopsy);
}

}  // namespace plugpull
