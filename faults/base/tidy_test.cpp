// Goal: the house rules hold over the whole source tree, by test and not by hope.
// Method: each rule is a function from one file to its violations. One test runs them all over the
// tree; the others show that each rule fires on a bad snippet and keeps quiet on a good one.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kMaxColumns = 100;
constexpr size_t kMaxLines = 500;

// A floor may include those before it and itself, never one after it.
constexpr std::array<std::string_view, 5> kFloors = {"faults", "engine", "workloads", "reports",
                                                     "harness"};

// Folders of the top level that need a README.md.
constexpr std::array<std::string_view, 6> kFolders = {"faults",  "engine",  "workloads",
                                                      "reports", "harness", "docker"};

// Everything else at the top level, apart from dotfiles.
constexpr std::array<std::string_view, 8> kTopLevel = {
    "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE",
    "quickstart.sh",  "test.sh",           "build",     "plugpull-out"};

// One core of the domain may be longer than kMaxLines, because it is one idea. None is yet.
const std::set<std::string_view> kLongFiles = {};

// Words are in pieces here, so that this file does not break the rules that it holds.
constexpr std::array<std::string_view, 3> kLeftovers = {
    "FIX"
    "ME",
    "TO"
    "DO",
    "XX"
    "X"};
constexpr std::array<std::string_view, 3> kPlacesOfOurs = {
    "/wo"
    "rk/",
    "deb.deb"
    "ian.org",
    "security.deb"
    "ian.org"};

struct BannedCall {
  std::string_view word;
  std::string_view then;  // what follows the word, blanks aside
  std::string_view instead;
};
constexpr std::array<BannedCall, 6> kBannedCalls = {{
    {"rand", "(", "use Random, which a seed repeats"},
    {"srand", "(", "use Random, which a seed repeats"},
    {"time", "(nullptr)", "use std::chrono, and never as a seed"},
    {"system", "(", "start a child without a shell"},
    {"endl", "", "write '\\n'; flushing is a decision of its own"},
    {"exit", "(", "return from main, so that destructors run"},
}};

bool IsWordCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Returns: how many characters of `rest` a comment or literal at its start takes, 0 for neither.
// `before` is the character in front of it, by which digit separators are known.
size_t SkippedLength(std::string_view rest, char before) {
  const auto through = [&](std::string_view end, size_t from) {
    const size_t found = rest.find(end, from);
    return found == rest.npos ? rest.size() : found + end.size();
  };
  if (rest.starts_with("//")) return std::min(rest.find('\n'), rest.size());
  if (rest.starts_with("/*")) return through("*/", 2);
  if (rest.starts_with("R\"") && !IsWordCharacter(before)) {
    const size_t open = std::min(rest.find('('), rest.size());
    return through(fmt::format("){}\"", rest.substr(2, open - 2)), open);
  }
  if (rest[0] != '"' && (rest[0] != '\'' || IsWordCharacter(before))) return 0;
  size_t end = 1;
  while (end < rest.size() && rest[end] != rest[0]) end += rest[end] == '\\' ? 2 : 1;
  return std::min(end + 1, rest.size());
}

// Returns: `text` with comments and literals blanked out, line by line as before.
std::string CodeOf(std::string_view text) {
  std::string code(text);
  for (size_t i = 0; i < text.size();) {
    const size_t skipped = SkippedLength(text.substr(i), i == 0 ? '\n' : text[i - 1]);
    for (size_t k = i; k < i + skipped; ++k) {
      if (text[k] != '\n') code[k] = ' ';
    }
    i += std::max<size_t>(skipped, 1);
  }
  return code;
}

// Returns: what follows `word` in `line`, blanks removed, for each place where it is a word. A
// member of that name is somebody else's.
std::vector<std::string_view> AfterWord(std::string_view line, std::string_view word) {
  std::vector<std::string_view> rests;
  for (size_t at = line.find(word); at != line.npos; at = line.find(word, at + 1)) {
    std::string_view rest = line.substr(at + word.size());
    const std::string_view before = line.substr(0, at);
    const bool is_end = !before.empty() && IsWordCharacter(before.back());
    const bool is_member = before.ends_with('.') || before.ends_with("->");
    if (is_end || is_member || (!rest.empty() && IsWordCharacter(rest[0]))) continue;
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    rests.push_back(rest);
  }
  return rests;
}

// The violations of one file are collected here, one rule after the other.
class FileCheck {
 public:
  FileCheck(std::string path, std::string_view text)
      : path_(std::move(path)),
        text_(text),
        code_(CodeOf(text)),
        lines_(SplitLines(text_)),
        code_lines_(SplitLines(code_)) {}

  std::vector<std::string> Run() {
    CheckWords();
    if (!IsHeader() && !path_.ends_with(".cpp")) return std::move(violations_);
    CheckSize();
    CheckIncludes();
    CheckCalls();
    if (IsHeader()) CheckHeader();
    return std::move(violations_);
  }

 private:
  bool IsHeader() const { return path_.ends_with(".h"); }

  void Report(size_t line_index, std::string_view what) {
    violations_.push_back(fmt::format("{}:{}: {}", path_, line_index + 1, what));
  }

  void CheckWords() {
    for (size_t i = 0; i < lines_.size(); ++i) {
      for (std::string_view word : kLeftovers) {
        if (!AfterWord(lines_[i], word).empty()) Report(i, "work left over; finish it or drop it");
      }
      for (std::string_view place : kPlacesOfOurs) {
        if (lines_[i].contains(place)) Report(i, "a place that other machines do not have");
      }
    }
  }

  void CheckSize() {
    for (size_t i = 0; i < lines_.size(); ++i) {
      // Continuation bytes of UTF-8 take no column.
      const auto columns = static_cast<size_t>(
          std::ranges::count_if(lines_[i], [](char c) { return (c & 0xc0) != 0x80; }));
      if (columns > kMaxColumns) Report(i, fmt::format("{} columns", columns));
    }
    if (lines_.size() > kMaxLines && !kLongFiles.contains(path_)) {
      Report(kMaxLines, fmt::format("{} lines; split the file by idea", lines_.size()));
    }
  }

  void CheckIncludes() {
    const auto own_floor = std::ranges::find(kFloors, path_.substr(0, path_.find('/')));
    for (size_t i = 0; i < lines_.size(); ++i) {
      constexpr std::string_view kInclude = "#include \"";
      // The code tells a real include from one in a literal, but has its path blanked out.
      if (!code_lines_[i].starts_with("#include") || !lines_[i].starts_with(kInclude)) continue;
      const std::string_view included = lines_[i].substr(kInclude.size());
      const auto floor = std::ranges::find(kFloors, included.substr(0, included.find('/')));
      if (floor == kFloors.end()) Report(i, "an include starts with a folder of the top level");
      if (floor != kFloors.end() && floor > own_floor) {
        Report(i, fmt::format("{} is above {} in the house", *floor, *own_floor));
      }
    }
  }

  void CheckCalls() {
    const bool may_exit = path_.ends_with("/main.cpp");
    for (size_t i = 0; i < code_lines_.size(); ++i) {
      for (const BannedCall& call : kBannedCalls) {
        if (call.word == "exit" && may_exit) continue;
        for (std::string_view rest : AfterWord(code_lines_[i], call.word)) {
          if (rest.starts_with(call.then)) {
            Report(i, fmt::format("{}{}: {}", call.word, call.then, call.instead));
          }
        }
      }
      for (std::string_view rest : AfterWord(code_lines_[i], "new")) {
        // `new (place) T` owns nothing and is allowed, and so is the header of that name.
        if (rest.empty() || IsWordCharacter(rest[0]) || rest[0] == ':') {
          Report(i, "naked new: use std::make_unique");
        }
      }
    }
  }

  void CheckHeader() {
    if (!text_.starts_with("// ")) Report(0, "a header starts with what lives in it");
    if (std::ranges::find(lines_, "#pragma once") == lines_.end()) Report(0, "no #pragma once");
    for (size_t i = 0; i < code_lines_.size(); ++i) {
      for (std::string_view rest : AfterWord(code_lines_[i], "using")) {
        if (rest.starts_with("namespace ")) Report(i, "using namespace in a header");
      }
    }
  }

  std::string path_;
  std::string_view text_;
  std::string code_;
  std::vector<std::string_view> lines_;
  std::vector<std::string_view> code_lines_;
  std::vector<std::string> violations_;
};

std::vector<std::string> Violations(std::string path, std::string_view text) {
  return FileCheck(std::move(path), text).Run();
}

// Returns: the violations of the top level, given the names in it and the files below it.
std::vector<std::string> TopLevelViolations(const std::set<std::string>& names,
                                            const std::set<std::string>& files) {
  std::vector<std::string> violations;
  for (const std::string& name : names) {
    const bool is_known = name.starts_with('.') || std::ranges::count(kTopLevel, name) != 0 ||
                          std::ranges::count(kFolders, name) != 0;
    if (!is_known) violations.push_back(fmt::format("{}: does not belong at the top level", name));
  }
  for (std::string_view folder : kFolders) {
    const std::string readme = fmt::format("{}/README.md", folder);
    if (!files.contains(readme)) violations.push_back(readme + ": is missing");
  }
  return violations;
}

TEST(Tidy, TheTreeKeepsTheHouseRules) {
  namespace fs = std::filesystem;
  const fs::path root = PLUGPULL_SOURCE_DIR;
  const std::set<std::string> not_ours = {".git", ".cache", "build", "plugpull-out"};
  std::set<std::string> names;
  std::set<std::string> files;
  std::vector<std::string> violations;
  for (const auto& entry : fs::directory_iterator(root)) {
    names.insert(entry.path().filename().string());
  }
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::end(entry); ++entry) {
    const std::string path = entry->path().lexically_relative(root).string();
    if (not_ours.contains(path)) entry.disable_recursion_pending();
    if (not_ours.contains(path) || !entry->is_regular_file()) continue;
    files.insert(path);
    auto bytes = ReadWholeFile(entry->path().string());
    ASSERT_TRUE(bytes) << Describe(bytes.error());
    const std::string_view text = AsText(*bytes);
    if (text.contains('\0')) continue;  // not text
    for (std::string& violation : Violations(path, text)) {
      violations.push_back(std::move(violation));
    }
  }
  EXPECT_GT(files.size(), 50u) << "the tree was not found in " << root;
  for (const std::string& violation : violations) ADD_FAILURE() << violation;
  for (const std::string& violation : TopLevelViolations(names, files)) {
    ADD_FAILURE() << violation;
  }
}

TEST(TidyRules, AcceptGoodCode) {
  EXPECT_THAT(Violations("harness/good.h",
                         "// What lives here.\n#pragma once\n#include <new>\n"
                         "#include \"faults/base/error.h\"\n#include \"harness/other.h\"\n"),
              IsEmpty());
  EXPECT_THAT(
      Violations("engine/good.cpp",
                 "// No rand() and no new Widget here, says exit(1) and system(x).\n"
                 "auto text = \"rand() \\\" new Widget\" /* std::endl */;\n"
                 "auto raw = R\"(\nsystem(\")\n)\"; int million = 1'000'000;\n"
                 "new (place) Widget; operand(1); _exit(1); time(&now); renewal x; app.exit(1);\n"),
      IsEmpty());
}

TEST(TidyRules, IncludesGoDownTheHouse) {
  const std::string_view text = "#include \"harness/run.h\"\n";
  EXPECT_THAT(Violations("faults/a.cpp", text),
              ElementsAre("faults/a.cpp:1: harness is above faults in the house"));
  EXPECT_THAT(Violations("reports/a.cpp", text),
              ElementsAre("reports/a.cpp:1: harness is above reports in the house"));
  EXPECT_THAT(Violations("harness/a.cpp", text), IsEmpty());
  EXPECT_THAT(Violations("harness/a.cpp", "#include \"run.h\"\n"),
              ElementsAre(HasSubstr("starts with a folder of the top level")));
}

TEST(TidyRules, SizesAreLimited) {
  EXPECT_THAT(Violations("faults/a.cpp", std::string(101, 'x') + "\n"),
              ElementsAre("faults/a.cpp:1: 101 columns"));
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "é";
  EXPECT_THAT(Violations("faults/a.cpp", wide + "\n"), IsEmpty());
  EXPECT_THAT(Violations("faults/a.cpp", std::string(501, '\n')),
              ElementsAre(HasSubstr("501 lines")));
  EXPECT_THAT(Violations("faults/a.cpp", std::string(500, '\n')), IsEmpty());
}

TEST(TidyRules, CallsAreBanned) {
  for (const char* call : {"int x = rand();", "srand(1);", "time(nullptr);",
                           "std::system(command);", "out << std::endl;", "std::exit(1);",
                           "auto* x = new Widget;", "x.reset(new ::Widget());"}) {
    EXPECT_EQ(Violations("faults/a.cpp", call).size(), 1u) << call;
  }
  EXPECT_THAT(Violations("harness/main.cpp", "exit(1);"), IsEmpty());
}

TEST(TidyRules, HeadersHaveAForm) {
  EXPECT_THAT(Violations("faults/a.h", "#pragma once\n"),
              ElementsAre(HasSubstr("starts with what lives in it")));
  EXPECT_THAT(Violations("faults/a.h", "// Words.\n"), ElementsAre(HasSubstr("no #pragma once")));
  EXPECT_THAT(Violations("faults/a.h", "// Words.\n#pragma once\nusing namespace std;\n"),
              ElementsAre("faults/a.h:3: using namespace in a header"));
  EXPECT_THAT(Violations("faults/a.cpp", "using namespace std;\n"), IsEmpty());
}

TEST(TidyRules, TextHoldsNoLeftoversAndNoPlaces) {
  for (std::string_view word : kLeftovers) {
    EXPECT_EQ(Violations("README.md", fmt::format("see {}: later", word)).size(), 1u) << word;
    EXPECT_THAT(Violations("README.md", fmt::format("a{}b", word)), IsEmpty()) << word;
  }
  for (std::string_view place : kPlacesOfOurs) {
    EXPECT_THAT(Violations("run.sh", fmt::format("cd {}main", place)),
                testing::Contains("run.sh:1: a place that other machines do not have"));
  }
}

TEST(TidyRules, TheTopLevelIsShort) {
  std::set<std::string> readmes;
  for (std::string_view folder : kFolders) readmes.insert(fmt::format("{}/README.md", folder));
  EXPECT_THAT(TopLevelViolations({"faults", "README.md", ".ci", "build"}, readmes), IsEmpty());
  EXPECT_THAT(TopLevelViolations({"notes.txt"}, readmes),
              ElementsAre("notes.txt: does not belong at the top level"));
  readmes.erase("engine/README.md");
  EXPECT_THAT(TopLevelViolations({}, readmes), ElementsAre("engine/README.md: is missing"));
}

}  // namespace
}  // namespace plugpull
