#include "harness/cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <span>

#include "faults/base/atomic_file.h"
#include "harness/cli/progress_display.h"
#include "harness/old_cases.h"
#include "reports/console.h"
#include "reports/report_format.h"

namespace plugpull {
namespace {

Expected<void> WriteText(const std::string& path, const std::string& text) {
  return WriteFileAtomically(path, std::as_bytes(std::span(text)));
}

Expected<void> PrintAll(std::FILE* stream, const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0) {
    return {};
  }
  return FailErrno("cannot write to standard output");
}

// Two reports in one place would leave one, or none that can be read.
Expected<void> CheckPlacesDiffer(const Options& options) {
  std::map<std::string, std::string> format_of;
  for (const auto& [format, path] : options.reports) {
    if (path.empty()) continue;
    std::error_code error;
    const std::string place = path == "-" ? path
                                          : std::filesystem::weakly_canonical(
                                                std::filesystem::absolute(path, error), error)
                                                .string();
    const auto [other, inserted] = format_of.emplace(place, format);
    if (inserted) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--{} and --{} both name '{}'; give each a place of its own",
                            other->second, format, path));
  }
  return {};
}

}  // namespace

Expected<void> PrepareOutput(const Options& options) {
  if (const Expected<void> differ = CheckPlacesDiffer(options); !differ) return differ;
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error) {
    return Fail(ErrorCode::kIo, fmt::format("cannot create the output directory {}: {}; name "
                                            "another one with --out",
                                            options.out, error.message()));
  }
  if (::access(options.out.c_str(), W_OK | X_OK) != 0) {
    return FailErrno(
        fmt::format("cannot write to the output directory {}; name another one with "
                    "--out",
                    options.out));
  }
  for (const auto& [format, path] : options.reports) {
    if (path.empty() || path == "-") continue;
    const std::filesystem::path directory = std::filesystem::absolute(path).parent_path();
    if (!std::filesystem::is_directory(directory, error)) {
      return Fail(ErrorCode::kIo, fmt::format("cannot write --{} {}: there is no directory {}",
                                              format, path, directory.string()));
    }
    if (std::filesystem::is_directory(path, error)) {
      return Fail(ErrorCode::kIo,
                  fmt::format("cannot write --{} {}: it is a directory", format, path));
    }
  }
  return RemoveOldCases(options.out);
}

Expected<void> WriteReports(const Options& options, const std::string& file_name,
                            const std::vector<RenderedReport>& reports,
                            const std::function<std::string(ConsoleStyle style)>& say) {
  const std::string report = (std::filesystem::path(options.out) / file_name).string();
  if (const Expected<void> written = WriteText(report, reports.front().text); !written) {
    return written;
  }
  bool stdout_taken = false;
  for (const auto& [format, text] : reports) {
    const auto path = options.reports.find(std::string(format));
    if (path == options.reports.end() || path->second.empty()) continue;
    const bool to_stdout = path->second == "-";
    const Expected<void> written =
        to_stdout ? PrintAll(stdout, text) : WriteText(path->second, text);
    if (!written) return written;
    stdout_taken = stdout_taken || to_stdout;
  }
  // What a person reads makes way for a report on standard output.
  std::FILE* stream = stdout_taken ? stderr : stdout;
  return PrintAll(stream, say({.color = ColorsWanted(::fileno(stream))}));
}

Expected<void> WriteOutput(const Options& options, const Result& result) {
  std::vector<RenderedReport> reports = {{"", RenderJson(result)}};
  for (const ReportFormat& format : ReportFormats()) {
    reports.push_back({format.name, format.render(result)});
  }
  const std::string report = (std::filesystem::path(options.out) / "result.json").string();
  return WriteReports(options, "result.json", reports, [&](ConsoleStyle style) {
    std::string text;
    if (!options.quiet) text = RenderFindings(result, options.out, style);
    if (!options.quiet) text += RenderModels(result) + RenderFaults(result);
    if (!options.quiet) text += RenderRecoverability(result);
    if (!options.quiet && result.errors) text += RenderErrors(*result.errors);
    return text + RenderLastLine(result, report, style) + "\n";
  });
}

}  // namespace plugpull
