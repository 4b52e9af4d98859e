// What the text and the container of a case have in common: the facts that are no trace.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/atom.h"
#include "faults/trace/container.h"
#include "harness/case_file.h"

namespace plugpull {

// Cases were containers before they became text; their voice in errors is the same.
inline constexpr ContainerFormat kCaseContainer = {
    .magic = "PPCASE\n\n", .version = 1, .what = "case", .cure = "run the target again"};

nlohmann::json LostToJson(const std::vector<AtomId>& lost);

// Returns: the atoms, sorted. Errors: kCorrupt: they are none, or of operations outside of
// [begin, end). Throws: what nlohmann-json does.
Expected<std::vector<AtomId>> LostFromJson(const nlohmann::json& list, size_t begin, size_t end);

// Errors: kCorrupt: the facts of the case are such as no run leaves behind.
Expected<void> CheckFacts(const Case& loaded);

}  // namespace plugpull
