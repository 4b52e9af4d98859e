// What an autopsy of a bbolt file tells: for a person, as JSON, and as a picture of the pages
// around the damage.
#pragma once

#include <string>

#include "engine/bbolt_file/autopsy.h"
#include "reports/console.h"

namespace plugpull {

// Returns: one line: the file, and what is the matter with it.
std::string AutopsyVerdict(const bbolt_file::Autopsy& autopsy);

// Returns: everything, the verdict and what to do next first.
std::string RenderAutopsyConsole(const bbolt_file::Autopsy& autopsy, ConsoleStyle style);

// Returns: an object of schema plugpull.autopsy/1. Fields are only ever added.
std::string RenderAutopsyJson(const bbolt_file::Autopsy& autopsy);

// Returns: the page graph as a drawing that browsers show; a line of text where there is no damage.
std::string RenderAutopsySvg(const bbolt_file::Autopsy& autopsy);

// The words of JSON and console: "previous-meta", "likely".
std::string_view Name(bbolt_file::Recoverability recoverability);
std::string_view Name(bbolt_file::Confidence confidence);

}  // namespace plugpull
