// What the tests of the traced door share: a directory of their own, one scenario of the test
// program recorded in it, and operations as lines that say exactly what they are.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/doors/traced_program.h"
#include "faults/trace/op_fields.h"

namespace plugpull {

// A directory, removed at the end, with the two places that scenarios know.
class ScenarioPlace {
 public:
  ScenarioPlace() {
    std::string path = testing::TempDir() + "door-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no directory at " << path;
    path_ = path;
    std::filesystem::create_directory(recorded());
    std::filesystem::create_directory(outside());
  }
  ~ScenarioPlace() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScenarioPlace(const ScenarioPlace&) = delete;
  ScenarioPlace& operator=(const ScenarioPlace&) = delete;

  std::string recorded() const { return path_ + "/recorded"; }
  std::string outside() const { return path_ + "/outside"; }

  TracedSettings Settings(const std::string& scenario) const {
    return {.directory = recorded(),
            .arguments = {PLUGPULL_DOOR_TEST_PROGRAM, scenario},
            .work_directory = {},
            .environment = {{"OUTSIDE", outside()}}};
  }

 private:
  std::string path_;
};

struct RecordedScenario {
  Recording recording;
  std::vector<std::string> lines;
  ProgramExit exit;
  std::string error;  // why there is no recording, then only this
};

// Serves a program to its end.
inline RecordedScenario RecordToEnd(const TracedSettings& settings) {
  RecordedScenario result;
  auto program = TracedProgram::Start(settings);
  if (!program) {
    result.error = Describe(program.error());
    return result;
  }
  while (true) {
    const auto event = (*program)->Serve();
    if (!event) {
      result.error = Describe(event.error());
      return result;
    }
    if (*event == TracedProgram::Event::kEnded) break;
    if (*event == TracedProgram::Event::kLine) result.lines.push_back((*program)->TakeLine());
  }
  result.exit = (*program)->Exit();
  auto recording = (*program)->Finish();
  if (recording) {
    result.recording = std::move(*recording);
  } else {
    result.error = Describe(recording.error());
  }
  return result;
}

// Records a scenario that ends well and is replayed exactly.
inline RecordedScenario RecordScenario(const ScenarioPlace& place, const std::string& scenario) {
  RecordedScenario result = RecordToEnd(place.Settings(scenario));
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.exit.Describe(), "exited with status 0");
  EXPECT_EQ(result.recording.difference, "");
  return result;
}

// Returns: an operation, all of it: "write #2 3+3 'two'", "rename #2 #1/a -> #1/b".
inline std::string OpLine(const Trace& trace, const Op& op) {
  const OpFields fields = FieldsOf(op.kind, op.result_errno);
  std::string line = Name(op.kind);
  if (fields.inode) line += fmt::format(" #{}", op.inode);
  if (fields.name == NameUse::kPlace) line += fmt::format(" #{}/{}", op.directory, op.name);
  if (fields.name == NameUse::kKey || fields.name == NameUse::kText) line += " " + op.name;
  if (fields.other_place) line += fmt::format(" -> #{}/{}", op.other_directory, op.other_name);
  if (fields.other_inode) line += fmt::format(" other #{}", op.other_inode);
  if (fields.offset) {
    line += fmt::format(" {}+{}", op.offset_bytes, op.size_bytes);
  } else if (fields.size) {
    line += fmt::format(" {}", op.size_bytes);
  }
  if (fields.payload && op.size_bytes <= 16)
    line += fmt::format(" '{}'", AsText(trace.Payload(op)));
  if (fields.transaction) line += fmt::format(" {}", op.transaction);
  if (op.flags != 0) line += fmt::format(" flags {}", op.flags);
  if (op.result_errno != 0) line += fmt::format(" errno {}", op.result_errno);
  return line;
}

inline std::vector<std::string> OpLines(const Trace& trace) {
  std::vector<std::string> lines;
  for (const Op& op : trace.ops) lines.push_back(OpLine(trace, op));
  return lines;
}

// Skips the tests of a suite where the system does not let us stop calls.
class TracedTest : public testing::Test {
 protected:
  void SetUp() override {
    const RecordedScenario nothing = RecordToEnd(place_.Settings("refused"));
    if (nothing.error.starts_with("this system does not let us stop calls") ||
        nothing.error.starts_with("calls of this process are supervised already")) {
      GTEST_SKIP() << nothing.error;
    }
  }

  ScenarioPlace place_;
};

}  // namespace plugpull
