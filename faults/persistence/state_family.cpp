#include "faults/persistence/state_family.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace plugpull {
namespace {

// A torn write keeps its first half, its second half, what is before or behind a random piece, or
// random pieces.
constexpr uint8_t kTornShapes = 5;

// What an atom is about, for what can be lost without the rest.
struct Aspect {
  AtomKind kind;
  uint32_t index;  // of a name; the rest is taken together

  auto operator<=>(const Aspect&) const = default;
};

std::vector<VariableId> Join(std::vector<VariableId> left, const std::vector<VariableId>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace

std::vector<OpenOperation> OpenOperations(const CrashGraph& graph) {
  // A variable belongs to the operation that it comes first in.
  std::vector<char> known(graph.constraints().size(), 0);
  std::map<uint32_t, std::map<Aspect, std::vector<VariableId>>> found;
  for (const Atom& atom : graph.atoms()) {
    if (known[atom.variable] != 0) continue;
    known[atom.variable] = 1;
    const uint32_t index = atom.id.kind == AtomKind::kName ? atom.id.index : 0;
    found[atom.id.op][{atom.id.kind, index}].push_back(atom.variable);
  }
  std::vector<OpenOperation> operations;
  for (auto& [op, aspects] : found) {
    OpenOperation& operation = operations.emplace_back();
    for (const auto& [aspect, variables] : aspects) {
      operation.all.insert(operation.all.end(), variables.begin(), variables.end());
      if (aspect.kind == AtomKind::kData) operation.pieces = variables;
      if (aspects.size() > 1) operation.aspects.push_back(variables);
    }
    // Bytes or a size without the zeroing of new blocks are one thing, with it another.
    const auto fill = aspects.find({AtomKind::kFill, 0});
    if (fill == aspects.end()) continue;
    for (const AtomKind kind : {AtomKind::kData, AtomKind::kSize}) {
      const auto aspect = aspects.find({kind, 0});
      if (aspect == aspects.end()) continue;
      operation.aspects.push_back(Join(aspect->second, fill->second));
    }
  }
  return operations;
}

StateFamily::StateFamily(Constraints& constraints, std::vector<OpenOperation> operations,
                         std::optional<uint64_t> total, const FamilyBounds& bounds)
    : constraints_(constraints),
      operations_(std::move(operations)),
      bounds_(bounds),
      is_exhaustive_(total && *total <= bounds.most_states),
      path_(is_exhaustive_ ? constraints.size() : 0),
      choices_(path_, path_length_),
      random_(bounds.seed, "states") {
  if (is_exhaustive_) return;
  PlanFamilies();
  families_ = steps_.size();
  PlanPairs(bounds.window);
}

void StateFamily::PlanFamilies() {
  const auto count = static_cast<uint32_t>(operations_.size());
  // The ends are prefixes, too; the one that keeps all comes first.
  steps_.push_back({.kind = Kind::kPrefix, .operation = count});
  for (uint32_t i = 0; i < count; ++i) steps_.push_back({.kind = Kind::kPrefix, .operation = i});
  for (const Kind kind : {Kind::kOmit, Kind::kKeep}) {
    for (uint32_t i = 0; i < count; ++i) {
      for (uint32_t aspect = 0; aspect <= operations_[i].aspects.size(); ++aspect) {
        steps_.push_back({.kind = kind, .operation = i, .other = aspect});
      }
    }
  }
  for (const Kind kind : {Kind::kTornLast, Kind::kTorn}) {
    for (uint32_t i = 0; i < count; ++i) {
      if (operations_[i].pieces.size() < 2) continue;
      for (uint8_t shape = 0; shape < kTornShapes; ++shape) {
        steps_.push_back({.kind = kind, .shape = shape, .operation = i});
      }
    }
  }
}

void StateFamily::PlanPairs(size_t window) {
  const auto count = static_cast<uint32_t>(operations_.size());
  const auto first = static_cast<uint32_t>(count - std::min<size_t>(count, window));
  for (uint32_t late = count; late-- > first;) {
    for (uint32_t early = first; early < late; ++early) {
      steps_.push_back({.kind = Kind::kOmitPair, .operation = late, .other = early});
      steps_.push_back({.kind = Kind::kKeepPair, .operation = late, .other = early});
    }
  }
}

bool StateFamily::Next() {
  if (is_exhaustive_) return NextOfAll();
  constraints_.Undo(0);
  const bool is_family = next_ < families_ && !bounds_.cuts_families;
  if (!is_family && shown_ >= bounds_.most_states) return false;
  ++shown_;
  if (next_ < steps_.size()) {
    Show(steps_[next_++]);
  } else {
    ShowSample();
  }
  return true;
}

bool StateFamily::NextOfAll() {
  if (begun_ && !choices_.Advance()) {
    constraints_.Undo(0);
    return false;
  }
  begun_ = true;
  choices_.Restart(constraints_);
  for (VariableId variable = 0; variable < constraints_.size(); ++variable) {
    if (constraints_.fate(variable) == Fate::kOpen) choices_.Choose(variable);
  }
  return true;
}

void StateFamily::Show(const Step& step) {
  const OpenOperation* operation =
      step.operation < operations_.size() ? &operations_[step.operation] : nullptr;
  switch (step.kind) {
    case Kind::kPrefix:
      for (uint32_t i = 0; i < step.operation; ++i) Prefer(operations_[i].all, true);
      PreferTheRest(step.operation == operations_.size());
      break;
    case Kind::kOmit:
    case Kind::kKeep:
      Prefer(VariablesOf(step), step.kind == Kind::kKeep);
      PreferTheRest(step.kind == Kind::kOmit);
      break;
    case Kind::kTornLast:
    case Kind::kTorn:
      TearWrite(*operation, step.shape, step.operation);
      if (step.kind == Kind::kTornLast) {
        for (uint32_t i = 0; i <= step.operation; ++i) Prefer(operations_[i].all, true);
      }
      PreferTheRest(step.kind == Kind::kTorn);
      break;
    case Kind::kOmitPair:
    case Kind::kKeepPair:
      Prefer(operation->all, step.kind == Kind::kKeepPair);
      Prefer(operations_[step.other].all, step.kind == Kind::kKeepPair);
      PreferTheRest(step.kind == Kind::kOmitPair);
      break;
  }
}

const std::vector<VariableId>& StateFamily::VariablesOf(const Step& step) const {
  const OpenOperation& operation = operations_[step.operation];
  return step.other == 0 ? operation.all : operation.aspects[step.other - 1];
}

// Where a write may be torn is up to the constraints: what they do not allow comes out as near to
// it as they do.
void StateFamily::TearWrite(const OpenOperation& operation, uint8_t shape, uint64_t seed) {
  const std::vector<VariableId>& pieces = operation.pieces;
  Random random(bounds_.seed + seed, "tear");
  const bool is_random = shape + 1 == kTornShapes;
  const size_t cut = shape < 2 ? pieces.size() / 2 : 1 + random.Below(pieces.size() - 1);
  const bool keeps_first = shape % 2 == 0;
  // What is lost first: a piece is kept only as far as that allows.
  for (const bool keep : {false, true}) {
    for (size_t i = 0; i < pieces.size() && !is_random; ++i) {
      if (((i < cut) == keeps_first) == keep) Prefer({pieces[i]}, keep);
    }
  }
  for (size_t i = 0; i < pieces.size() && is_random; ++i) {
    Prefer({pieces[i]}, random.OneIn(1, 2));
  }
}

// A sample takes the variables in random order, so that what depends on little is not always the
// first to be kept.
void StateFamily::ShowSample() {
  constexpr uint64_t kKeepOf256[] = {128, 32, 224, 192};
  const uint64_t keep_of_256 = kKeepOf256[shown_ % std::size(kKeepOf256)];
  std::vector<VariableId> order(constraints_.size());
  std::iota(order.begin(), order.end(), VariableId{0});
  for (size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[random_.Below(left)]);
  }
  for (const VariableId variable : order) {
    if (constraints_.fate(variable) != Fate::kOpen) continue;
    Prefer({variable}, random_.Below(256) < keep_of_256);
  }
  PreferTheRest(true);
}

void StateFamily::Prefer(const std::vector<VariableId>& variables, bool keep) {
  for (const VariableId variable : variables) {
    if (constraints_.fate(variable) != Fate::kOpen) continue;
    const size_t mark = constraints_.Mark();
    if (!constraints_.Decide(variable, keep)) constraints_.Undo(mark);
  }
}

void StateFamily::PreferTheRest(bool keep) {
  for (VariableId variable = 0; variable < constraints_.size() && !keep; ++variable) {
    if (constraints_.fate(variable) != Fate::kOpen) continue;
    const size_t mark = constraints_.Mark();
    if (!constraints_.Decide(variable, false)) constraints_.Undo(mark);
  }
  constraints_.KeepTheRest();
}

}  // namespace plugpull
