#include "harness/carry.h"

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "faults/base/assert.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/snapshot.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/crash_points.h"

namespace plugpull {
namespace {

// After this many crash points where nothing was undecided, one of them will do.
constexpr int kMostPointsTried = 8;

// Decides everything at random: which variable comes next, and its fate where both are possible.
void DecideAll(Constraints& constraints, Random& random) {
  std::vector<VariableId> order(constraints.size());
  std::iota(order.begin(), order.end(), 0U);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  // From a crash that loses everything to one that loses nothing.
  const uint64_t keep_of_8 = random.Below(9);
  for (const VariableId variable : order) {
    if (constraints.fate(variable) != Fate::kOpen) continue;
    const bool keep = random.Below(8) < keep_of_8;
    const size_t mark = constraints.Mark();
    if (constraints.Decide(variable, keep)) continue;
    constraints.Undo(mark);
    Assert(constraints.Decide(variable, !keep), "an open variable has a value");
  }
}

// A crash point with all that is undecided at it.
class CrashPoint {
 public:
  CrashPoint(const Trace& trace, const ExploreSettings& settings, size_t position)
      : cursor_(trace, *settings.model, settings.tear) {
    cursor_.AdvanceTo(position);
    graph_.Build(cursor_, EffectiveTear(*settings.model, settings.tear));
  }

  Constraints& constraints() { return graph_.constraints(); }

  // Returns: the state that is decided. Requires: nothing is open any more.
  CrashPick Decided() const {
    CrashPick pick;
    pick.window = {cursor_.transactions_acknowledged(), cursor_.transactions_attempted()};
    pick.state = {.position = cursor_.position(), .tear = graph_.tear(), .chosen = {}};
    const auto is_kept = [this](VariableId variable) {
      return graph_.constraints().fate(variable) == Fate::kKept;
    };
    for (const Atom& atom : graph_.atoms()) {
      pick.state.chosen.emplace_back(atom.id, is_kept(atom.variable));
    }
    pick.lost = graph_.Lost(is_kept);
    return pick;
  }

 private:
  CrashCursor cursor_;
  CrashGraph graph_;
};

// Gives what is reached from the root the smallest inode numbers, and leaves the rest out: what
// grew over many cycles starts small again.
class Renumbering {
 public:
  explicit Renumbering(const Image& image) : image_(image) { Take(kRootInode, kRootInode); }

  Image TakeImage() { return std::move(result_); }

 private:
  InodeId NumberOf(InodeId inode) {
    return numbers_.try_emplace(inode, kRootInode + 1 + static_cast<InodeId>(numbers_.size()))
        .first->second;
  }

  void Take(InodeId inode, InodeId number) {
    const auto attributes = image_.attributes.find(inode);
    if (attributes != image_.attributes.end()) result_.attributes[number] = attributes->second;
    const auto directory = image_.names.directories().find(inode);
    if (const auto link = image_.links.find(inode); link != image_.links.end()) {
      result_.links[number] = link->second;
    } else if (directory != image_.names.directories().end()) {
      result_.names.AddDirectory(number);
      for (const auto& [name, target] : directory->second) {
        const bool is_new = !numbers_.contains(target);
        // A rename that was cut in two can leave a directory two names; no program could make that.
        if (!is_new && image_.names.IsDirectory(target)) continue;
        const InodeId target_number = NumberOf(target);
        result_.names.Set(number, name, target_number);
        if (is_new) Take(target, target_number);
      }
    } else {
      const auto file = image_.files.find(inode);
      result_.files[number] = file == image_.files.end() ? FileContent() : file->second;
    }
  }

  const Image& image_;
  Image result_;
  std::map<InodeId, InodeId> numbers_;
};

}  // namespace

CrashPick PickCrash(const Trace& trace, const ExploreSettings& settings, Random& random) {
  const std::vector<size_t> points = CrashPoints(trace, *settings.model, settings.promise);
  std::unique_ptr<CrashPoint> point;
  for (int tried = 0; tried < kMostPointsTried; ++tried) {
    const size_t position = points[random.Below(points.size())];
    point = std::make_unique<CrashPoint>(trace, settings, position);
    if (point->constraints().size() > 0) break;
  }
  DecideAll(point->constraints(), random);
  return point->Decided();
}

CrashPick LoseNothing(const Trace& trace, const ExploreSettings& settings, const CrashPick& pick) {
  CrashPoint point(trace, settings, pick.state.position);
  point.constraints().KeepTheRest();
  return point.Decided();
}

Trace StartFrom(const Trace& trace, const CrashPick& pick, uint32_t recovered,
                const std::vector<Transaction>& next) {
  Trace start;
  start.facts = trace.facts;
  const auto begin = trace.transactions.begin();
  const auto add = [&start](auto first, auto last) {
    start.transactions.insert(start.transactions.end(), first, last);
  };
  add(begin, begin + recovered);
  add(next.begin(), next.end());
  const auto undone_before = static_cast<ptrdiff_t>(UndoneCount(trace));
  add(trace.transactions.end() - undone_before, trace.transactions.end());
  add(begin + recovered, begin + pick.window.attempted);
  const size_t undone = start.transactions.size() - recovered - next.size();
  const Image image = Materialise(trace, pick.state.position, pick.lost, pick.state.tear);
  AppendSnapshot(start, Renumbering(image).TakeImage());
  for (uint32_t number = 1; number <= recovered; ++number) {
    start.ops.push_back({.kind = OpKind::kBegin, .transaction = number});
    start.ops.push_back({.kind = OpKind::kAcknowledge, .transaction = number});
  }
  MarkSnapshot(start, undone);
  return start;
}

}  // namespace plugpull
