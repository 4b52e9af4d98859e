// Model files: a base and parameters in TOML, under a name of the user's.
//
//     name = "mine"
//     description = "what our appliance does"   # optional
//     base = "xfs"                              # optional, default posix-minimal
//     profile = "contract"                      # optional, of the base
//     data-before-size = "no"                   # any parameter
//     barriers = true
#pragma once

#include <string>
#include <string_view>

#include "faults/base/error.h"
#include "faults/persistence/model.h"

namespace plugpull {

// A model that is being put together.
struct ModelDraft {
  const Model* base = nullptr;  // a built-in model, in one of its profiles
  std::string name;             // the user's own, empty: none
  Model model;
};

// Returns: a draft of the built-in model `name`. Errors: kInvalidArgument with the nearest name.
Expected<ModelDraft> StartFrom(std::string_view name);

// Makes a draft that nothing was changed in yet follow the other profile.
// Errors: kInvalidArgument for an unknown profile and for models that have none.
Expected<void> SetProfile(ModelDraft& draft, std::string_view profile);

// Errors: kInvalidArgument unless `name` is made of letters, digits, '-', '_' and '.', and free.
Expected<void> SetName(ModelDraft& draft, std::string_view name);

// Errors: kInvalidArgument, kNotFound or kIo in one line that names file, line and key.
Expected<ModelDraft> LoadModelFile(const std::string& path);

}  // namespace plugpull
