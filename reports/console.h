// What a person reads at the end of a run.
#pragma once

#include <string>
#include <string_view>

#include "reports/result.h"

namespace plugpull {

// How to write on this terminal or file.
struct ConsoleStyle {
  bool color = false;
};

// Returns: the findings, each with what was lost and how to reproduce it. Empty without findings.
std::string RenderFindings(const Result& result, const std::string& out_directory,
                           ConsoleStyle style);

// Returns: of a run under all models, the line that says what held where. Else empty.
std::string RenderModels(const Result& result);

// Returns: a line for each fault beyond the disk's contract that was asked for: how often it fired.
std::string RenderFaults(const Result& result);

// Returns: what could be done about violated images, where that was asked. Else empty.
std::string RenderRecoverability(const Result& result);

// Returns: the last line: counts, coverage, verdict, where the report is.
std::string RenderLastLine(const Result& result, const std::string& report_path,
                           ConsoleStyle style);

// Returns: the text with '?' for what a terminal would obey: text of an engine may hold anything.
std::string Printable(std::string_view text);

// Returns: the path as it can be pasted into a shell.
std::string Quoted(const std::string& path);

// Returns: 1234567 as "1,234,567".
std::string Grouped(uint64_t number);

}  // namespace plugpull
