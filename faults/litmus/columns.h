// The columns of a litmus table: the named models under the short names that tables use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/model.h"

namespace plugpull {

struct LitmusColumn {
  std::string heading;  // short: "PM"
  const Model* model = nullptr;
};

// Returns: all of Models(), in the order of the table.
const std::vector<LitmusColumn>& NamedColumns();

// Returns: a column for each of `models`, texts that ParseModel takes. One that is no named model
// is headed M1, M2, ... Errors: those of ParseModel.
Expected<std::vector<LitmusColumn>> ColumnsOf(const std::vector<std::string>& models);

// Returns: the named column that `word` means, a heading or the name of a model, in any case.
// Errors: kInvalidArgument, with the nearest valid word.
Expected<const LitmusColumn*> FindNamedColumn(std::string_view word);

}  // namespace plugpull
