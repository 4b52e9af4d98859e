// Persistence models as data: which sets of atoms a file system may leave after a power cut. A
// model is one row of parameters in model.cpp; the algebra that reads them is CrashCursor (what is
// already durable) and CrashGraph (which of the rest may survive together).
//
// A crash state keeps a set K of the atoms issued before the crash. K is legal when it contains
// everything that a successful sync covered, is closed under the model's edges and groups, and has
// the model's shape.
#pragma once

#include <string_view>
#include <vector>

namespace plugpull {

enum class Shape {
  kEverything,  // all that was issued survives
  kPrefix,      // what survives is a prefix of what was issued
  kClosedSet,   // any set that is closed under the edges and groups
};

// An edge "x before y" means: y survives only if x does.
struct Model {
  std::string_view name;
  std::string_view description;
  Shape shape;
  bool inode_before_use;  // E0: a file exists before its bytes and before names for it
  bool page_order;        // E1: writes to one place of one file, in issue order
  bool size_order;        // E2: size changes of one file, in issue order
  bool name_cell_order;   // E3: what one name stands for, in issue order
  bool atomic_rename;     // E6: both names of a rename change together or not at all
};

// Returns: every model, weakest first.
const std::vector<Model>& Models();

// Returns: the model of that name, or null.
const Model* FindModel(std::string_view name);

}  // namespace plugpull
