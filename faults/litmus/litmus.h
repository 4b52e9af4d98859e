// One litmus test: a short program, a power cut, and a question about what is left. README.md in
// this folder shows how it is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/litmus/question.h"
#include "faults/trace/trace.h"

namespace plugpull {

// What a model says of an outcome, as tables print it.
enum class Mark : char {
  kAllowed = 'A',
  kForbidden = '-',
  kKnob = 'k',    // a parameter decides that is uncertain on the real file system, or is chosen
  kHidden = 'h',  // allowed, but a heuristic of the file system usually hides it
};

struct Litmus {
  // A mark, and why it is that one.
  struct Reason {
    Mark mark = Mark::kHidden;
    std::string text;
  };

  std::string name;     // "L22"
  std::string title;    // the program in words
  std::string outcome;  // the question in words
  std::string source;   // who says so
  std::string note;

  Trace trace;
  size_t first_op = 0;    // operations before it are the durable base
  size_t crash_at = 0;    // operations before it have been issued
  std::string letters{};  // what writes fill with

  Question ask;
  bool live = false;              // `ask` is about the running system, without a crash
  std::optional<Question> never;  // what no model may allow, whatever it says of `ask`
  std::string modifier;           // parameters of a model that the row is also asked under

  // By the name of a model.
  std::map<std::string, Mark> expected;
  std::map<std::string, Reason> hidden;   // allowed, but usually not seen, and why
  std::map<std::string, Reason> differs;  // known to differ from `expected`, and why
};

// Reads one test. `file` is for messages. Its trace has passed ValidateTrace.
// Errors: kInvalidArgument, "FILE:LINE: what is wrong, did you mean ...".
Expected<Litmus> ParseLitmus(std::string_view text, const std::string& file);

// Returns: the tests that are built in, L1 before L2 before L10 before D1.
const std::vector<Litmus>& BuiltInLitmus();

// Returns: the tests in the files, and in the files *.litmus of the folders, that `paths` name, in
// that order. Errors: those of ParseLitmus; kNotFound, kIo; kInvalidArgument for a folder without
// any test, and for two tests of one name.
Expected<std::vector<Litmus>> LoadLitmus(const std::vector<std::string>& paths);

}  // namespace plugpull
