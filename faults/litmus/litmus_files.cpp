// Where litmus tests come from: the program itself, or the user's files and folders.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "faults/base/assert.h"
#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "faults/litmus/builtin_files.h"
#include "faults/litmus/litmus.h"

namespace plugpull {
namespace {

namespace fs = std::filesystem;

// L2 before L10, L before D.
bool ComesBefore(const Litmus& left, const Litmus& right) {
  const auto key = [](const std::string& name) {
    size_t digits = 0;
    while (digits < name.size() && std::isdigit(static_cast<unsigned char>(name[digits])) == 0) {
      ++digits;
    }
    return std::tuple(name.substr(0, digits) != "L", name.substr(0, digits), name.size(), name);
  };
  return key(left.name) < key(right.name);
}

Expected<std::vector<std::string>> FilesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".litmus") files.push_back(entry->path().string());
  }
  if (error) return Fail(ErrorCode::kIo, fmt::format("{}: {}", folder, error.message()));
  if (files.empty()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: no *.litmus file in it", folder));
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

const std::vector<Litmus>& BuiltInLitmus() {
  static const std::vector<Litmus> tests = [] {
    std::vector<Litmus> parsed;
    for (const BuiltInFile& file : BuiltInLitmusFiles()) {
      Expected<Litmus> litmus = ParseLitmus(file.text, std::string(file.name));
      Assert(litmus.has_value(), "the tests that are built in can be read");
      parsed.push_back(std::move(*litmus));
    }
    std::ranges::sort(parsed, ComesBefore);
    return parsed;
  }();
  return tests;
}

Expected<std::vector<Litmus>> LoadLitmus(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    const Expected<std::vector<std::string>> inside = FilesIn(path);
    if (!inside) return std::unexpected(inside.error());
    files.insert(files.end(), inside->begin(), inside->end());
  }
  std::vector<Litmus> tests;
  std::map<std::string, std::string> file_of;  // by the name of the test
  for (const std::string& file : files) {
    const Expected<std::vector<std::byte>> bytes = ReadWholeFile(file);
    if (!bytes) return std::unexpected(bytes.error());
    Expected<Litmus> litmus = ParseLitmus(AsText(*bytes), file);
    if (!litmus) return std::unexpected(litmus.error());
    const auto [other, is_new] = file_of.emplace(litmus->name, file);
    if (!is_new) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: '{}' is the name of the test in {} too", file, litmus->name,
                              other->second));
    }
    tests.push_back(std::move(*litmus));
  }
  return tests;
}

}  // namespace plugpull
