// Asks litmus tests of persistence models: the program's crash states are explored lazily until
// one answers the question with yes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/litmus/columns.h"
#include "faults/litmus/litmus.h"
#include "faults/persistence/model.h"

namespace plugpull {

// A question that takes more executions than this is too large for a litmus test.
inline constexpr uint64_t kMostLitmusExecutions = 100'000;

struct LitmusAnswer {
  bool allowed = false;
  uint64_t executions = 0;
  std::string witness{};  // where allowed: what one such state keeps and loses
};

// Returns: whether some crash state of the test's program that `model` allows answers `question`
// with yes. A write may lose any subset of its sectors, unless the model tears coarser.
// Errors: kUnsupported for a question above kMostLitmusExecutions.
Expected<LitmusAnswer> Ask(const Litmus& litmus, const Question& question, const Model& model);

// Returns: the files of the running program after its last operation, without any crash: a sync
// that failed may have taken what it covered out of the page cache.
Image LiveImage(const Trace& trace, const Model& model);

struct LitmusCell {
  Mark mark = Mark::kForbidden;
  bool allowed = false;      // by the model itself
  bool never_holds = true;   // the outcome of `never` is forbidden, or nothing was asked
  std::string depends_on{};  // "drag=to-covered": the parameters that turn the answer around
  std::string witness{};     // see LitmusAnswer
};

// Errors: those of Ask; kInvalidArgument when the test's modifier is none.
Expected<LitmusCell> ComputeCell(const Litmus& litmus, const Model& model);

struct LitmusRow {
  const Litmus* litmus = nullptr;
  std::vector<LitmusCell> cells{};  // by column
};

// A cell that is not as its test expects.
struct LitmusDifference {
  std::string row;
  std::string column;
  std::string text;    // "expected A, computed -"
  std::string reason;  // of the test's `differs`; empty: nobody has said why
};

struct LitmusTable {
  std::vector<LitmusColumn> columns;
  std::vector<LitmusRow> rows{};
};

// Requires: `tests` outlives the table. Errors: those of ComputeCell, naming the test.
Expected<LitmusTable> ComputeTable(const std::vector<Litmus>& tests,
                                   const std::vector<LitmusColumn>& columns);

// Returns: the differences of one row, in the order of the columns.
std::vector<LitmusDifference> Differences(const LitmusTable& table, const LitmusRow& row);

}  // namespace plugpull
