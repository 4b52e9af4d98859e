#include "harness/crash_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

// Returns: the atom of `coarse` that contains the atom `id` of `fine`.
AtomId Coarsen(const Trace& trace, AtomId id, Tear fine, Tear coarse) {
  if (fine == coarse) return id;
  Assert(UnitBytes(coarse) >= UnitBytes(fine), "atoms can be put together, not taken apart");
  if (id.kind == AtomKind::kSize && coarse == Tear::kNone) id.index = 0;
  if (id.kind != AtomKind::kData) return id;
  if (coarse == Tear::kNone) {
    id.index = 0;
  } else if (UnitBytes(fine) != UnitBytes(coarse)) {
    const Op& write = trace.ops[id.op];
    const uint64_t unit = UnitsOf(write, fine).first_unit + id.index;
    const uint64_t ratio = UnitBytes(coarse) / UnitBytes(fine);
    id.index = static_cast<uint32_t>(unit / ratio - UnitsOf(write, coarse).first_unit);
  }
  return id;
}

// Returns: what a lost or kept atom does, in one word.
std::string_view KindOf(const Op& op, AtomKind kind) {
  switch (kind) {
    case AtomKind::kData:
      return "write";
    case AtomKind::kSize:
      return "size";
    case AtomKind::kTruncate:
      return "truncate";
    case AtomKind::kInode:
    case AtomKind::kName:
      return Name(op.kind);
  }
  return "";
}

// Writes "0-3, 5" for {0, 1, 2, 3, 5}.
std::string Ranges(const std::vector<uint32_t>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ", ";
    text +=
        last == i ? fmt::format("{}", numbers[i]) : fmt::format("{}-{}", numbers[i], numbers[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace

StateInspector::StateInspector(const Trace& trace, const EngineType& type)
    : trace_(trace), type_(type), names_(LastNames(trace)) {}

CrashGraph& StateInspector::GraphAt(size_t position, const Model& model, Tear tear) {
  auto entry = std::ranges::find(cursors_, &model, &Cursor::model);
  if (entry == cursors_.end()) entry = cursors_.insert(cursors_.end(), Cursor{&model, nullptr});
  if (entry->cursor == nullptr || entry->cursor->position() > position) {
    entry->cursor = std::make_unique<CrashCursor>(trace_, model);
  }
  entry->cursor->AdvanceTo(position);
  graph_.Build(*entry->cursor, tear);
  return graph_;
}

CompleteState StateInspector::Complete(const ChosenState& state, const Model& model) {
  CrashGraph& graph = GraphAt(state.position, model, state.tear);
  for (const auto& [id, kept] : state.chosen) {
    const auto atom = std::ranges::find(graph.atoms(), id, &Atom::id);
    Assert(atom != graph.atoms().end(), "a chosen atom is undecided at its point");
    Assert(graph.constraints().Decide(atom->variable, kept), "choices are possible together");
  }
  graph.constraints().KeepTheRest();
  CompleteState complete;
  for (const Atom& atom : graph.atoms()) {
    const bool lost = graph.constraints().fate(atom.variable) == Fate::kLost;
    (lost ? complete.lost : complete.kept).push_back(atom.id);
  }
  std::ranges::sort(complete.lost);
  std::ranges::sort(complete.kept);
  return complete;
}

bool StateInspector::Admits(const ChosenState& state, const Model& model, Tear tear) {
  CrashGraph& graph = GraphAt(state.position, model, tear);
  for (const auto& [fine, kept] : state.chosen) {
    const AtomId id = Coarsen(trace_, fine, state.tear, tear);
    const auto atom = std::ranges::find(graph.atoms(), id, &Atom::id);
    const bool durable = atom == graph.atoms().end();
    if (durable ? !kept : !graph.constraints().Decide(atom->variable, kept)) return false;
  }
  return true;
}

std::vector<std::string> StateInspector::AdmittingModels(const ChosenState& state) {
  std::vector<std::string> names;
  for (const Model& model : Models()) {
    if (Admits(state, model, state.tear)) names.emplace_back(model.name);
  }
  return names;
}

FaultLevel StateInspector::WeakestLevel(const ChosenState& state, const Model& model) {
  const Model& kill = *FindModel("process-kill");
  const Model& ordered = *FindModel("ordered");
  if (Admits(state, kill, state.tear)) return FaultLevel::kProcessKill;
  if (Admits(state, ordered, Tear::kNone)) return FaultLevel::kPowerCutOrdered;
  if (Admits(state, model, Tear::kNone)) return FaultLevel::kPowerCut;
  return FaultLevel::kTornWrite;
}

ChosenState StateInspector::Weaken(const ChosenState& state, const Model& model, Tear tear) {
  const CrashGraph& graph = GraphAt(state.position, model, tear);
  ChosenState weaker{.position = state.position, .tear = tear, .chosen = {}};
  for (const auto& [fine, kept] : state.chosen) {
    const AtomId id = Coarsen(trace_, fine, state.tear, tear);
    const bool open = std::ranges::find(graph.atoms(), id, &Atom::id) != graph.atoms().end();
    if (open) weaker.chosen.emplace_back(id, kept);
  }
  return weaker;
}

std::string StateInspector::PathOf(InodeId inode) const {
  const auto name = names_.find(inode);
  return name == names_.end() ? "?" : name->second;
}

std::vector<std::string> StateInspector::Kinds(const std::vector<AtomId>& atoms) const {
  std::set<std::string> kinds;
  for (const AtomId& atom : atoms) {
    const Op& op = trace_.ops[atom.op];
    kinds.insert(fmt::format("{}({})", KindOf(op, atom.kind), type_.RoleOf(PathOf(op.inode))));
  }
  return {kinds.begin(), kinds.end()};
}

std::vector<std::string> StateInspector::Lines(const std::vector<AtomId>& atoms, Tear tear) const {
  std::vector<std::string> lines;
  for (size_t i = 0; i < atoms.size();) {
    const AtomId first = atoms[i];
    const Op& op = trace_.ops[first.op];
    // The two halves of a creation are one thing to a reader.
    const bool names = first.kind == AtomKind::kInode || first.kind == AtomKind::kName;
    std::vector<uint32_t> pieces;
    for (; i < atoms.size() && atoms[i].op == first.op; ++i) {
      const bool same = names
                            ? atoms[i].kind == AtomKind::kInode || atoms[i].kind == AtomKind::kName
                            : atoms[i].kind == first.kind;
      if (!same) break;
      pieces.push_back(atoms[i].index);
    }
    std::string line = fmt::format("#{} ", first.op);
    if (first.kind == AtomKind::kSize) {
      line += fmt::format("size of {} up to {}", PathOf(op.inode), op.offset_bytes + op.size_bytes);
    } else {
      line += Describe(op, names_);
    }
    if (first.kind == AtomKind::kData && tear != Tear::kNone) {
      const uint32_t count = UnitsOf(op, tear).count;
      if (pieces.size() < count) {
        line += fmt::format(" ({} {} of {})", UnitBytes(tear) == kSectorBytes ? "sectors" : "pages",
                            Ranges(pieces), count);
      }
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace plugpull
