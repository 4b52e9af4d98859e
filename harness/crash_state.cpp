#include "harness/crash_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "faults/base/assert.h"
#include "harness/size_choices.h"

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
    case AtomKind::kZero:
      return "zero";
    case AtomKind::kClone:
      return "clone";
    case AtomKind::kFill:
      return "fill";
    case AtomKind::kInode:
    case AtomKind::kName:
    case AtomKind::kAttribute:
      return Name(op.kind);
  }
  return "";
}

std::string NameOfUnit(Tear tear) {
  if (IsSubSector(tear)) return fmt::format("{}-byte pieces", UnitBytes(tear));
  return UnitBytes(tear) == kSectorBytes ? "sectors" : "pages";
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
    : trace_(trace), roles_(trace, type), names_(LastNames(trace)) {}

StateInspector::View& StateInspector::ViewAt(const ChosenState& state, const Model& model,
                                             Tear tear) {
  const size_t position = state.position;
  auto view = std::ranges::find_if(views_, [&](const View& known) {
    return known.model == &model && known.tear == tear &&
           known.lies_from.has_value() == state.lies_from.has_value();
  });
  if (view == views_.end()) {
    view = views_.emplace(views_.end());
    view->model = &model;
    view->tear = tear;
    view->graph = std::make_unique<CrashGraph>();
  }
  if (view->lies_from != state.lies_from) view->cursor.reset();
  view->lies_from = state.lies_from;
  if (view->cursor != nullptr && view->cursor->position() == position) {
    view->graph->constraints().Undo(0);
    return *view;
  }
  if (view->cursor == nullptr || view->cursor->position() > position) {
    view->cursor = std::make_unique<CrashCursor>(trace_, model, tear);
  }
  if (state.lies_from && !view->cursor->is_lying()) {
    view->cursor->AdvanceTo(std::min(*state.lies_from, position));
    view->cursor->LieFromNowOn();
  }
  view->cursor->AdvanceTo(position);
  view->graph->BuildOrder(*view->cursor, tear);
  return *view;
}

bool StateInspector::Decide(View& view, const ChosenState& state) const {
  std::vector<std::pair<AtomId, bool>> chosen = state.chosen;
  for (auto& [id, kept] : chosen) id = Coarsen(trace_, id, state.tear, view.tear);
  DropImpliedSizes(trace_, chosen);
  SizeChoices sizes(*view.graph);
  for (const auto& [id, kept] : chosen) {
    const VariableId variable = view.graph->VariableOf(id);
    if (id.kind == AtomKind::kSize && view.model->size_order == SizeOrder::kMax) {
      if (!sizes.Add(trace_.ops[id.op].inode, variable, kept)) return false;
    } else if (variable == kNoVariable ? !kept
                                       : !view.graph->constraints().Decide(variable, kept)) {
      return false;
    }
  }
  return sizes.Solve();
}

CompleteState StateInspector::Complete(const ChosenState& state, const Model& model, Rest rest) {
  View& view = ViewAt(state, model, state.tear);
  Constraints& constraints = view.graph->constraints();
  if (!Decide(view, state)) {
    // Taken by the letter, choices are possible together where they were made.
    constraints.Undo(0);
    for (const auto& [id, kept] : state.chosen) {
      const VariableId variable = view.graph->VariableOf(id);
      Assert(variable != kNoVariable, "a chosen atom is undecided at its point");
      Assert(constraints.Decide(variable, kept), "choices are possible together");
    }
  }
  if (rest == Rest::kLost) {
    constraints.LoseTheRest();
  } else {
    constraints.KeepTheRest();
  }
  const auto is_kept = [&](VariableId variable) {
    return constraints.fate(variable) == Fate::kKept;
  };
  CompleteState complete{.lost = view.graph->Lost(is_kept), .kept = {}};
  for (const Atom& atom : view.graph->atoms()) {
    // That a new block was zeroed is nothing that anybody wrote.
    if (atom.is_inverse || atom.id.kind == AtomKind::kFill) continue;
    if (is_kept(atom.variable)) complete.kept.push_back(atom.id);
  }
  std::ranges::sort(complete.kept);
  return complete;
}

bool StateInspector::Admits(const ChosenState& state, const Model& model, Tear tear) {
  return Decide(ViewAt(state, model, EffectiveTear(model, tear)), state);
}

std::vector<std::string> StateInspector::AdmittingModels(const ChosenState& state) {
  std::vector<std::string> names;
  for (const Model& model : Models()) {
    if (Admits(state, model, state.tear)) names.push_back(model.name);
  }
  return names;
}

std::vector<std::string> StateInspector::ContractModels(const ChosenState& state) {
  std::vector<std::string> names;
  for (const Model& model : Models()) {
    const bool only_by_contract =
        !Admits(state, model, state.tear) && Admits(state, ContractProfile(model), state.tear);
    if (only_by_contract) names.push_back(model.name);
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
  const Tear effective = EffectiveTear(model, tear);
  const View& view = ViewAt(state, model, effective);
  ChosenState weaker{
      .position = state.position, .tear = effective, .chosen = {}, .lies_from = state.lies_from};
  for (const auto& [fine, kept] : state.chosen) {
    const AtomId id = Coarsen(trace_, fine, state.tear, effective);
    if (view.graph->VariableOf(id) != kNoVariable) weaker.chosen.emplace_back(id, kept);
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
    kinds.insert(fmt::format("{}({})", KindOf(op, atom.kind), roles_.Of(PathOf(op.inode))));
  }
  return {kinds.begin(), kinds.end()};
}

std::vector<std::string> StateInspector::Roles(const std::vector<AtomId>& atoms) const {
  std::set<std::string> roles;
  for (const AtomId& atom : atoms) roles.insert(roles_.Of(PathOf(trace_.ops[atom.op].inode)));
  return {roles.begin(), roles.end()};
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
    } else if (first.kind == AtomKind::kFill) {
      line += fmt::format("zeros in new blocks of {}", PathOf(op.inode));
    } else {
      line += Describe(op, names_);
    }
    if (first.kind == AtomKind::kData && tear != Tear::kNone && (op.flags & kUntorn) == 0) {
      const uint32_t count = UnitsOf(op, tear).count;
      if (pieces.size() < count) {
        line += fmt::format(" ({} {} of {})", NameOfUnit(tear), Ranges(pieces), count);
      }
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace plugpull
