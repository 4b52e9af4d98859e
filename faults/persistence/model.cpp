#include "faults/persistence/model.h"

namespace plugpull {

const std::vector<Model>& Models() {
  // clang-format off
  static const std::vector<Model> models = {
      // name            description
      //   shape               E0    E1    E2    E3    E6 rename
      {"posix-minimal", "what POSIX promises: only synced bytes, sizes and names are sure to stay",
           Shape::kClosedSet,  true, true, true, true, true},
      {"ordered",       "what survives is a prefix of what was issued",
           Shape::kPrefix,     true, true, true, true, true},
      {"process-kill",  "the process dies, the machine lives: everything issued survives",
           Shape::kEverything, true, true, true, true, true},
  };
  // clang-format on
  return models;
}

const Model* FindModel(std::string_view name) {
  for (const Model& model : Models()) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

}  // namespace plugpull
