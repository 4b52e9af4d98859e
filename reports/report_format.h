// Formats that a result can be written in. To add one: write a function from Result to text in a
// file of its own, and add one line to ReportFormats() in report_format.cpp. The command line gets
// its option `--<name> FILE` from there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/result.h"

namespace plugpull {

struct ReportFormat {
  std::string_view name;
  std::string_view help;
  std::string (*render)(const Result& result);
};

const std::vector<ReportFormat>& ReportFormats();

// The formats. Each returns the whole file, with a newline at its end.
std::string RenderJson(const Result& result);
std::string RenderJunit(const Result& result);

}  // namespace plugpull
