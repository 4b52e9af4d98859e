#include "harness/missing_sync.h"

#include <algorithm>
#include <utility>

#include "harness/crash_state.h"

namespace plugpull {
namespace {

// So many crash points are tried one by one on the way back; beyond that, some are left out.
constexpr size_t kMostSteps = 48;

// Asks what recovery makes of crashes of the case's trace.
class Replayer {
 public:
  Replayer(const Case& saved, PointSearch& search) : saved_(saved), search_(search) {}

  // Returns: whether a crash at a position that loses this leaves a sound store.
  Expected<bool> IsSound(size_t position, std::vector<AtomId> lost) {
    const Expected<std::optional<Violation>> outcome = search_.Replay({.position = position,
                                                                       .window = WindowAt(position),
                                                                       .lost = std::move(lost),
                                                                       .settings = saved_.settings,
                                                                       .in_use = saved_.in_use});
    if (!outcome) return std::unexpected(outcome.error());
    return !outcome->has_value();
  }

  Window WindowAt(size_t position) const {
    if (position == saved_.trace.ops.size()) return saved_.window;
    Window window;
    for (size_t i = 0; i < position; ++i) {
      const Op& op = saved_.trace.ops[i];
      if (op.kind == OpKind::kBegin) window.attempted = std::max(window.attempted, op.transaction);
      if (op.kind == OpKind::kAcknowledge) {
        window.acknowledged = std::max(window.acknowledged, op.transaction);
      }
    }
    return window;
  }

 private:
  const Case& saved_;
  PointSearch& search_;
};

// Returns: whether an operation does such a thing at all. A case may come from anywhere.
bool Fits(const Op& op, AtomKind kind) {
  switch (kind) {
    case AtomKind::kData:
    case AtomKind::kFill:
      return op.kind == OpKind::kWrite && op.size_bytes > 0;
    case AtomKind::kSize:
      return (op.kind == OpKind::kWrite || op.kind == OpKind::kAllocate) && op.size_bytes > 0;
    case AtomKind::kTruncate:
      return op.kind == OpKind::kTruncate;
    case AtomKind::kZero:
      return op.kind == OpKind::kAllocate;
    case AtomKind::kClone:
      return op.kind == OpKind::kClone && op.size_bytes > 0;
    case AtomKind::kInode:
    case AtomKind::kName:
      return op.directory != kNoInode || op.other_directory != kNoInode ||
             op.kind == OpKind::kCreateUnnamed;
    case AtomKind::kAttribute:
      return op.kind == OpKind::kSetAttribute || op.kind == OpKind::kSetXattr ||
             op.kind == OpKind::kRemoveXattr;
  }
  return false;
}

bool CanTurn(const Op& op) {
  return op.result_errno == 0 && !IsSync(op.kind) && op.kind != OpKind::kBegin &&
         op.kind != OpKind::kSyncRange;
}

std::vector<AtomId> LostBefore(const std::vector<AtomId>& lost, size_t position) {
  std::vector<AtomId> before;
  for (const AtomId& atom : lost) {
    if (atom.op < position) before.push_back(atom);
  }
  return before;
}

// Returns: the last operation with which a crash that loses the same does harm, and just before
// which it does none. Nothing: there is none behind the first loss.
Expected<std::optional<size_t>> FindTurn(const Case& saved, Replayer& replayer) {
  std::vector<size_t> candidates;
  for (size_t i = saved.lost.front().op + size_t{1}; i < saved.trace.ops.size(); ++i) {
    if (CanTurn(saved.trace.ops[i])) candidates.push_back(i);
  }
  const auto is_sound = [&](size_t operation) {
    return replayer.IsSound(operation, LostBefore(saved.lost, operation));
  };
  // Halves the way as long as it is too long to be gone step by step.
  size_t begin = 0;
  size_t end = candidates.size();
  while (end - begin > kMostSteps) {
    const size_t middle = (begin + end) / 2;
    const Expected<bool> sound = is_sound(candidates[middle]);
    if (!sound) return std::unexpected(sound.error());
    (*sound ? begin : end) = middle;
  }
  for (size_t i = end; i-- > begin;) {
    const Expected<bool> sound = is_sound(candidates[i]);
    if (!sound) return std::unexpected(sound.error());
    if (*sound) return candidates[i];
  }
  return std::nullopt;
}

void AddOnce(SavingSync sync, std::vector<SavingSync>& syncs) {
  if (std::ranges::find(syncs, sync) == syncs.end()) syncs.push_back(sync);
}

// Returns: the syncs that cover something of what is lost before `turn`.
std::vector<SavingSync> CandidatesOf(const Case& saved, size_t turn) {
  std::vector<SavingSync> syncs;
  for (const AtomId& atom : LostBefore(saved.lost, turn)) {
    const Op& op = saved.trace.ops[atom.op];
    if (atom.kind != AtomKind::kName) {
      AddOnce({.is_directory = false, .inode = op.inode, .before = turn}, syncs);
      continue;
    }
    for (const InodeId directory : {op.directory, op.other_directory}) {
      if (directory == kNoInode) continue;
      AddOnce({.is_directory = true, .inode = directory, .before = turn}, syncs);
    }
  }
  return syncs;
}

// Asks whether syncs, all of them, would have made the difference.
Expected<bool> Saves(const Case& saved, const EngineType& type,
                     const std::vector<SavingSync>& syncs, Replayer& replayer) {
  Trace trace = saved.trace;
  for (const SavingSync& sync : syncs) trace = WithSync(trace, sync);
  const size_t turn = syncs.front().before;
  const auto shifted = [&](AtomId atom) {
    if (atom.op >= turn) atom.op += static_cast<uint32_t>(syncs.size());
    return atom;
  };
  StateInspector inspector(trace, type);
  const Model& model = *saved.settings.model;
  const Tear tear = saved.settings.tear;
  ChosenState state{.position = trace.ops.size(), .tear = tear, .chosen = {}};
  std::vector<AtomId> still_lost;
  for (const AtomId& atom : saved.lost) {
    state.chosen = {{shifted(atom), false}};
    if (inspector.Admits(state, model, tear)) still_lost.push_back(atom);
  }
  if (still_lost.size() == saved.lost.size()) return false;
  // What could still have been left must be sound, or the sync would have saved nothing.
  return replayer.IsSound(saved.trace.ops.size(), std::move(still_lost));
}

}  // namespace

Trace WithSync(const Trace& trace, const SavingSync& sync) {
  Trace more = trace;
  const Op op{.kind = sync.is_directory ? OpKind::kSyncDirectory : OpKind::kSync,
              .inode = sync.inode};
  more.ops.insert(more.ops.begin() + static_cast<ptrdiff_t>(sync.before), op);
  return more;
}

Expected<SyncAdvice> FindMissingSync(const Case& saved, const EngineType& type,
                                     PointSearch& search) {
  const bool fits = std::ranges::all_of(
      saved.lost, [&](const AtomId& atom) { return Fits(saved.trace.ops[atom.op], atom.kind); });
  if (!fits) return SyncAdvice{};
  SyncAdvice advice{.was_searched = true};
  Replayer replayer(saved, search);
  const Expected<std::optional<size_t>> turn = FindTurn(saved, replayer);
  if (!turn) return std::unexpected(turn.error());
  advice.turned_by = *turn;
  if (!advice.turned_by) return advice;
  const std::vector<SavingSync> candidates = CandidatesOf(saved, *advice.turned_by);
  for (const SavingSync& candidate : candidates) {
    const Expected<bool> saves = Saves(saved, type, {candidate}, replayer);
    if (!saves) return std::unexpected(saves.error());
    if (*saves) advice.syncs.push_back(candidate);
  }
  if (!advice.syncs.empty() || candidates.size() < 2) return advice;
  const Expected<bool> saves = Saves(saved, type, candidates, replayer);
  if (!saves) return std::unexpected(saves.error());
  if (*saves) {
    advice.syncs = candidates;
    advice.needs_all = true;
  }
  return advice;
}

}  // namespace plugpull
