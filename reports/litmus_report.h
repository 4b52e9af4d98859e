// A computed litmus table, for a person and as JSON.
#pragma once

#include <string>

#include "faults/litmus/litmus_runner.h"

namespace plugpull {

// Returns: the table, what its marks and headings mean, what differs from its expectation and why,
// and a last line of counts. With `explain` also one crash state for each outcome that is allowed.
std::string RenderLitmusTable(const LitmusTable& table, bool explain);

// Returns: the table as JSON, schema plugpull.litmus/1, with a newline at its end.
std::string RenderLitmusJson(const LitmusTable& table);

// Returns: true when nothing differs from its expectation without a reason.
bool IsAsExpected(const LitmusTable& table);

}  // namespace plugpull
