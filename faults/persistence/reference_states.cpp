// The legal crash states of a point, straight from the definition in persistence models, 4.5: what
// the syncs covered is kept, and of the rest every set that the rules allow.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "faults/persistence/reference.h"
#include "faults/persistence/testing.h"

namespace plugpull {
namespace {

std::vector<ReferenceAtom> AtomsAt(const Trace& trace, size_t position, const Model& model,
                                   Tear tear) {
  std::vector<ReferenceAtom> atoms;
  ReferenceCalls calls(trace, model, tear, atoms);
  ReferenceCover cover(trace, model, tear, atoms);
  for (uint32_t i = 0; i < position; ++i) {
    calls.Issue(i);
    cover.Apply(i);
  }
  for (size_t early = 0; early < atoms.size(); ++early) {
    for (size_t late = early + 1; late < atoms.size(); ++late) {
      const bool is_cut = atoms[late].id.kind == AtomKind::kTruncate && atoms[late].must &&
                          atoms[late].inode == atoms[early].inode;
      if (is_cut) atoms[early].cut_bytes = std::min(atoms[early].cut_bytes, atoms[late].end_bytes);
    }
  }
  if (model.shape == Shape::kEverything) {
    for (ReferenceAtom& atom : atoms) atom.must = true;
  }
  return atoms;
}

// The id of such an atom is that of what the name stood for: lost where the emptying is kept.
bool IsEmptying(const ReferenceAtom& atom) {
  return atom.op_kind == OpKind::kRename && atom.id.kind == AtomKind::kName && atom.id.index == 2;
}

// Chooses the fate of one atom after the other. What a choice implies is decided with it.
class Enumeration {
 public:
  Enumeration(const std::vector<ReferenceAtom>& atoms, const ReferenceRules& rules, size_t limit)
      : atoms_(atoms), limit_(limit), is_contiguous_(rules.TearsContiguously()) {
    for (size_t i = 0; i < atoms.size(); ++i) {
      if (atoms[i].is_visible && !atoms[i].must && !atoms[i].revoked) open_.push_back(i);
    }
    const size_t count = open_.size();
    needs_.assign(count, std::vector<char>(count, 0));
    for (size_t late = 0; late < count; ++late) {
      for (size_t early = 0; early < count; ++early) {
        const bool issued_after = early < late;
        if (early != late && rules.Needs(atoms[open_[late]], atoms[open_[early]], issued_after)) {
          needs_[late][early] = 1;
        }
      }
    }
    for (size_t via = 0; via < count; ++via) {
      for (size_t late = 0; late < count; ++late) {
        if (needs_[late][via] == 0) continue;
        for (size_t early = 0; early < count; ++early) needs_[late][early] |= needs_[via][early];
      }
    }
    fates_.assign(count, Fate::kOpen);
    // What is in a journal is in its order there.
    for (const size_t i : open_) {
      const bool is_data = atoms[i].id.kind == AtomKind::kData;
      is_torn_.push_back(is_data && (atoms[i].dropped || !rules.IsChained(atoms[i])) ? 1 : 0);
    }
  }

  std::optional<std::vector<std::vector<AtomId>>> Run() {
    if (!Visit(0)) return std::nullopt;
    return std::move(states_);
  }

 private:
  bool Visit(size_t i) {
    while (i < fates_.size() && fates_[i] != Fate::kOpen) ++i;
    if (i == fates_.size()) {
      states_.push_back(Lost());
      return states_.size() <= limit_;
    }
    for (const Fate fate : {Fate::kKept, Fate::kLost}) {
      const std::vector<Fate> before = fates_;
      Decide(i, fate);
      if (IsTearLegal() && !Visit(i + 1)) return false;
      fates_ = before;
    }
    return true;
  }

  // An open atom needs nothing that is lost and is needed by nothing kept, so this cannot fail.
  void Decide(size_t i, Fate fate) {
    fates_[i] = fate;
    for (size_t other = 0; other < fates_.size(); ++other) {
      const bool follows = fate == Fate::kKept ? needs_[i][other] != 0 : needs_[other][i] != 0;
      if (follows) fates_[other] = fate;
    }
  }

  // In each page, what is kept of one write is a prefix or a suffix of its sectors.
  bool IsTearLegal() const {
    if (!is_contiguous_) return true;
    int changes = 0;
    Fate last = Fate::kOpen;
    for (size_t i = 0; i < open_.size(); ++i) {
      const ReferenceAtom& atom = atoms_[open_[i]];
      if (is_torn_[i] == 0) continue;
      if (i == 0 || !IsSamePage(atom, atoms_[open_[i - 1]])) {
        changes = 0;
        last = Fate::kOpen;
      }
      if (fates_[i] == Fate::kOpen) continue;
      changes += last != Fate::kOpen && last != fates_[i] ? 1 : 0;
      last = fates_[i];
      if (changes > 1) return false;
    }
    return true;
  }

  static bool IsSamePage(const ReferenceAtom& left, const ReferenceAtom& right) {
    return left.id.op == right.id.op && left.id.kind == right.id.kind &&
           left.begin_bytes / kTearPageBytes == right.begin_bytes / kTearPageBytes;
  }

  std::vector<AtomId> Lost() const {
    std::vector<AtomId> lost;
    for (size_t i = 0, at = 0; i < atoms_.size(); ++i) {
      const ReferenceAtom& atom = atoms_[i];
      bool is_kept = atom.must || !atom.is_visible;
      if (at < open_.size() && open_[at] == i) is_kept = fates_[at++] == Fate::kKept;
      if (is_kept == IsEmptying(atom)) lost.push_back(atom.id);
    }
    std::ranges::sort(lost);
    return lost;
  }

  const std::vector<ReferenceAtom>& atoms_;
  size_t limit_;
  bool is_contiguous_;
  std::vector<size_t> open_;              // the atoms that are left to fate
  std::vector<std::vector<char>> needs_;  // by their positions in open_
  std::vector<Fate> fates_;
  std::vector<char> is_torn_;  // by position: into a prefix or suffix, where tears are contiguous
  std::vector<std::vector<AtomId>> states_;
};

}  // namespace

std::optional<std::vector<std::vector<AtomId>>> ReferenceStates(const Trace& trace, size_t position,
                                                                const Model& model, Tear tear,
                                                                size_t limit) {
  const Tear effective = EffectiveTear(model, tear);
  const std::vector<ReferenceAtom> atoms = AtomsAt(trace, position, model, effective);
  return Enumeration(atoms, ReferenceRules(trace, model, effective), limit).Run();
}

std::vector<AtomId> ReferenceMust(const Trace& trace, size_t position, const Model& model,
                                  Tear tear) {
  std::vector<AtomId> must;
  for (const ReferenceAtom& atom : AtomsAt(trace, position, model, EffectiveTear(model, tear))) {
    if (atom.is_visible && atom.must && !IsEmptying(atom)) must.push_back(atom.id);
  }
  std::ranges::sort(must);
  return must;
}

}  // namespace plugpull
