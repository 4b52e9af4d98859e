#include "harness/operation_fates.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/crash_graph.h"
#include "faults/trace/snapshot_mark.h"

namespace plugpull {
namespace {

std::set<uint32_t> OpsOf(std::span<const Effect> effects) {
  std::set<uint32_t> ops;
  for (const Effect& effect : effects) ops.insert(effect.op);
  return ops;
}

bool Changes(const Op& op) {
  const bool is_mark = op.kind == OpKind::kBegin || op.kind == OpKind::kAcknowledge;
  return op.result_errno == 0 && !is_mark && !IsSync(op.kind) && op.kind != OpKind::kSyncRange &&
         op.kind != OpKind::kUnmodelled;
}

bool IsUnnamed(const CrashCursor& cursor, InodeId inode) {
  for (const auto& [directory, names] : cursor.durable().names.directories()) {
    if (directory == inode) return false;
    for (const auto& [name, target] : names) {
      if (target == inode) return false;
    }
  }
  return std::ranges::none_of(cursor.pending(), [inode](const Effect& effect) {
    return effect.kind == EffectKind::kName && effect.inode == inode;
  });
}

// What one step of the cursor has settled of what was pending before it.
void Settle(const CrashCursor& cursor, size_t step, const std::set<uint32_t>& before,
            const std::set<uint32_t>& after, std::vector<FateOfOperation>& fates) {
  const Op& cause = cursor.trace().ops[step];
  for (const uint32_t op : before) {
    if (after.contains(op)) continue;
    FateOfOperation& fate = fates[op];
    const InodeId inode = cursor.trace().ops[op].inode;
    const bool is_name = cause.kind == OpKind::kSyncDirectory || cause.kind == OpKind::kSyncAll;
    const bool is_own = cause.inode == inode || is_name;
    const bool is_gone = !IsSync(cause.kind) || (!is_own && IsUnnamed(cursor, inode));
    fate.settled_by = step;
    fate.fate = is_gone ? OperationFate::kGone : OperationFate::kDurable;
    if (!is_gone) fates[step].covers.push_back(op);
  }
}

void AddRange(uint64_t begin, uint64_t end, FateOfOperation& fate) {
  if (!fate.lost_ranges.empty() && fate.lost_ranges.back().second == begin) {
    fate.lost_ranges.back().second = end;
  } else {
    fate.lost_ranges.emplace_back(begin, end);
  }
}

void NoteLostBytes(const Op& op, Tear tear, FateOfOperation& fate) {
  for (const AtomId& atom : fate.lost) {
    if (atom.kind != AtomKind::kData && atom.kind != AtomKind::kClone) continue;
    if (op.size_bytes == 0) continue;
    uint64_t begin = op.offset_bytes;
    uint64_t end = op.offset_bytes + op.size_bytes;
    if (tear != Tear::kNone && (op.flags & kUntorn) == 0) {
      const uint64_t unit = UnitsOf(op, tear).first_unit + atom.index;
      begin = std::max(begin, unit * UnitBytes(tear));
      end = std::min(end, (unit + 1) * UnitBytes(tear));
    }
    if (begin < end) AddRange(begin, end, fate);
  }
}

std::string_view PartOf(const Op& op, AtomId atom) {
  switch (atom.kind) {
    case AtomKind::kInode:
      return "the file itself";
    case AtomKind::kName:
      if (op.kind != OpKind::kRename && op.kind != OpKind::kExchange) return "the name";
      if (atom.index == 0) return "the removal of the old name";
      return atom.index == 1 ? "the new name" : "what the new name stood for";
    case AtomKind::kData:
    case AtomKind::kClone:
      return "its bytes";
    case AtomKind::kSize:
      return "the growth of the file";
    case AtomKind::kTruncate:
      return "the new size";
    case AtomKind::kZero:
      return "the zeros";
    case AtomKind::kAttribute:
      return "the attribute";
    case AtomKind::kFill:
      return "the zeroing of new blocks";
  }
  return "";
}

std::string PartsOf(const Op& op, const std::vector<AtomId>& atoms) {
  std::vector<std::string_view> parts;
  for (const AtomId& atom : atoms) {
    const std::string_view part = PartOf(op, atom);
    if (std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
  }
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " and " : ", ";
    text += parts[i];
  }
  return text;
}

// Says what the crash did to an operation. `open`: its atoms that were still open.
void Judge(const Op& op, Tear tear, const std::vector<AtomId>& open, FateOfOperation& fate) {
  if (fate.lost.empty()) {
    if (!open.empty()) {
      fate.fate = OperationFate::kKept;
      fate.settled_by.reset();
    }
    return;
  }
  fate.settled_by.reset();
  NoteLostBytes(op, tear, fate);
  std::vector<AtomId> kept;
  std::ranges::set_difference(open, fate.lost, std::back_inserter(kept));
  uint64_t lost_bytes = 0;
  for (const auto& [begin, end] : fate.lost_ranges) lost_bytes += end - begin;
  const bool has_bytes = op.kind == OpKind::kWrite || op.kind == OpKind::kClone;
  if (has_bytes && lost_bytes > 0 && lost_bytes < op.size_bytes) {
    fate.fate = OperationFate::kTorn;
  } else if (has_bytes && lost_bytes == op.size_bytes) {
    fate.fate = OperationFate::kLost;
  } else if (kept.empty() && !has_bytes) {
    fate.fate = OperationFate::kLost;
  } else {
    fate.fate = OperationFate::kPartly;
    fate.lost_part = PartsOf(op, fate.lost);
  }
}

}  // namespace

std::vector<FateOfOperation> FatesOf(const Trace& trace, const Model& model, Tear tear,
                                     std::span<const AtomId> lost,
                                     std::optional<size_t> lies_from) {
  std::vector<FateOfOperation> fates(trace.ops.size());
  CrashCursor cursor(trace, model, tear);
  const size_t snapshot_end = std::min(SnapshotEnd(trace), trace.ops.size());
  std::set<uint32_t> before;
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    if (lies_from == i) cursor.LieFromNowOn();
    fates[i].is_lie = cursor.is_lying() && IsSync(trace.ops[i].kind);
    cursor.AdvanceTo(i + 1);
    if (model.shape == Shape::kEverything) continue;
    if (trace.ops[i].kind == OpKind::kWrite) {  // settles nothing that came before it
      if (Changes(trace.ops[i])) before.insert(static_cast<uint32_t>(i));
      continue;
    }
    std::set<uint32_t> after = OpsOf(cursor.pending());
    if (i + 1 > snapshot_end) Settle(cursor, i, before, after, fates);
    before = std::move(after);
  }
  for (size_t i = 0; i < snapshot_end; ++i) fates[i] = {.fate = OperationFate::kBefore};
  CrashGraph graph;
  graph.BuildOrder(cursor, tear);
  std::map<uint32_t, std::vector<AtomId>> open;
  for (const Atom& atom : graph.atoms()) {
    if (atom.id.kind != AtomKind::kFill) open[atom.id.op].push_back(atom.id);
  }
  for (const AtomId& atom : lost) fates[atom.op].lost.push_back(atom);
  for (size_t i = snapshot_end; i < trace.ops.size(); ++i) {
    std::vector<AtomId>& atoms = open[static_cast<uint32_t>(i)];
    std::ranges::sort(atoms);
    const Op& op = trace.ops[i];
    Judge(op, tear, atoms, fates[i]);
    // Where nothing that was issued is ever lost, nothing waits for a sync.
    const bool is_open = fates[i].fate == OperationFate::kNoMatter && Changes(op);
    if (is_open && model.shape == Shape::kEverything) fates[i].fate = OperationFate::kKept;
  }
  return fates;
}

}  // namespace plugpull
