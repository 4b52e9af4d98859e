// What a run tells: the reports, the terminal, and the texts that explain the program itself.
#include <map>
#include <regex>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

// One element of an XML file, as far as these tests care.
struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::vector<Element> children;
};

// Reads a well-formed XML file without comments. Says on failure what is not well-formed.
class XmlReader {
 public:
  explicit XmlReader(std::string text) : text_(std::move(text)) {}

  Element Root() {
    EXPECT_TRUE(Take("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    SkipText();
    Element root = Read();
    SkipText();
    EXPECT_EQ(at_, text_.size()) << "there is something behind the root";
    return root;
  }

 private:
  bool Take(const std::string& word) {
    if (text_.compare(at_, word.size(), word) != 0) return false;
    at_ += word.size();
    return true;
  }

  // Text between tags: no bare ampersand, no control characters.
  void SkipText() {
    for (; at_ < text_.size() && text_[at_] != '<'; ++at_) CheckCharacter();
  }

  void CheckCharacter() {
    const unsigned char c = static_cast<unsigned char>(text_[at_]);
    EXPECT_TRUE(c >= 0x20 || c == '\n' || c == '\t') << "control character at " << at_;
    static const std::regex entity("^&(amp|lt|gt|quot|apos|#[0-9]+);");
    if (c == '&') {
      EXPECT_TRUE(std::regex_search(text_.substr(at_, 8), entity)) << text_.substr(at_, 20);
    }
  }

  std::string Name() {
    const size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(text_[at_]) != 0 || text_[at_] == '_')) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  Element Read() {
    Element element;
    EXPECT_TRUE(Take("<")) << "at " << at_;
    element.name = Name();
    EXPECT_NE(element.name, "");
    while (Take(" ")) {
      const std::string name = Name();
      EXPECT_TRUE(Take("=\"")) << "at " << at_;
      const size_t begin = at_;
      for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        CheckCharacter();
        EXPECT_NE(text_[at_], '<');
      }
      EXPECT_TRUE(element.attributes.emplace(name, text_.substr(begin, at_ - begin)).second);
      EXPECT_TRUE(Take("\""));
    }
    if (Take("/>")) return element;
    EXPECT_TRUE(Take(">")) << "at " << at_;
    for (SkipText(); at_ < text_.size() && text_.compare(at_, 2, "</") != 0; SkipText()) {
      element.children.push_back(Read());
      if (::testing::Test::HasFailure()) return element;
    }
    EXPECT_TRUE(Take("</" + element.name + ">")) << "at " << at_;
    return element;
  }

  std::string text_;
  size_t at_ = 0;
};

// Returns: for each promise of a JUnit report, the classes of its failures, or "skipped".
std::map<std::string, std::multiset<std::string>> CasesOf(const Element& suite) {
  std::map<std::string, std::multiset<std::string>> cases;
  for (const Element& child : suite.children) {
    if (child.name != "testcase") continue;
    auto& failures = cases[child.attributes.at("name")];
    for (const Element& inside : child.children) {
      failures.insert(inside.name == "failure" ? inside.attributes.at("type") : inside.name);
    }
  }
  return cases;
}

struct Told {
  const char* target;
  const char* promise;
  int exit_code;
};

void PrintTo(const Told& told, std::ostream* out) { *out << told.target << " " << told.promise; }

class Junit : public ::testing::TestWithParam<Told> {};

TEST_P(Junit, IsWellFormedAndSaysWhatTheJsonSays) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", GetParam().target, "--transactions", "40", "--promise",
                                      GetParam().promise, "--junit", "r.xml", "--json", "r.json"},
                                     GetParam().exit_code);
  EXPECT_EQ(sandbox.Text("r.json"), sandbox.Text("out/result.json"));
  const Element root = XmlReader(sandbox.Text("r.xml")).Root();
  ASSERT_EQ(root.name, "testsuites");
  ASSERT_EQ(root.children.size(), 1U);
  const Element& suite = root.children[0];
  EXPECT_EQ(suite.attributes.at("name"), std::string("plugpull ") + GetParam().target);
  const std::vector<std::string> promises = {"opens", "intact", "atomic", "prefix", "durable"};
  std::map<std::string, std::multiset<std::string>> expected;
  int skipped = 0;
  bool promised = true;
  for (const std::string& promise : promises) {
    expected[promise];
    if (!promised) expected[promise] = {"skipped"}, ++skipped;
    promised = promised && promise != GetParam().promise;
  }
  std::set<std::string> failed;
  for (const json& finding : result["findings"]) {
    expected[finding["promise"]].insert(finding["class"].get<std::string>());
    failed.insert(finding["promise"]);
  }
  EXPECT_EQ(CasesOf(suite), expected);
  EXPECT_EQ(suite.attributes.at("tests"), "5");
  EXPECT_EQ(suite.attributes.at("failures"), std::to_string(failed.size()));
  EXPECT_EQ(suite.attributes.at("skipped"), std::to_string(skipped));
  EXPECT_EQ(suite.attributes.at("errors"), "0");
}

INSTANTIATE_TEST_SUITE_P(Runs, Junit,
                         ::testing::Values(Told{"cow_tree", "durable", 0},
                                           Told{"cow_tree", "atomic", 0},
                                           Told{"cow_tree:mutant=M1", "durable", 1},
                                           Told{"sqlite:journal=delete,sync=off", "durable", 1},
                                           Told{"sqlite:journal=delete,sync=off", "opens", 1}));

TEST(Json, SaysEverythingThatTheSchemaNames) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "cow_tree:dirsync=0", "--transactions", "10"}, 1);
  EXPECT_EQ(result["schema"], "plugpull.result/1");
  for (const char* key : {"command", "version", "commit", "target", "door", "seed", "model", "tear",
                          "faults", "promise", "verdict", "trace", "coverage", "rates"}) {
    EXPECT_TRUE(result.contains(key)) << key;
  }
  for (const char* key : {"ops", "syncs", "acks", "bytes", "transactions"}) {
    EXPECT_GT(result["trace"][key], 0) << key;
  }
  for (const char* key : {"mode", "crash_points", "states", "states_log10", "recoveries",
                          "distinct_images", "reruns", "unknown"}) {
    EXPECT_TRUE(result["coverage"].contains(key)) << key;
  }
  EXPECT_TRUE(result["coverage"]["states"].is_string());
  for (const char* key :
       {"id", "signature", "class", "promise", "fault_level", "models", "contract_models",
        "crash_point", "transactions_attempted", "transactions_acknowledged", "lost", "kept",
        "message", "recoverability", "case"}) {
    EXPECT_TRUE(result["findings"][0].contains(key)) << key;
  }
  EXPECT_TRUE(std::filesystem::exists(
      sandbox.path("out/" + result["findings"][0]["case"].get<std::string>())));
}

TEST(Stdout, CarriesTheReportAloneWhenAskedTo) {
  Sandbox sandbox;
  const Words run = {"run", "cow_tree:dirsync=0", "--transactions", "10"};
  Words with_json = run;
  with_json.insert(with_json.end(), {"--json", "-"});
  const Outcome told = sandbox.Run(with_json);
  EXPECT_EQ(told.exit_code, 1);
  EXPECT_EQ(json::parse(told.out, nullptr, false), sandbox.Json("plugpull-out/result.json"));
  EXPECT_NE(told.err.find("lost-commit"), std::string::npos);
  Words with_junit = run;
  with_junit.insert(with_junit.end(), {"--junit", "-", "--quiet"});
  EXPECT_EQ(XmlReader(sandbox.Run(with_junit).out).Root().name, "testsuites");
}

TEST(Console, QuietSaysOneLine) {
  Sandbox sandbox;
  const Outcome outcome =
      sandbox.Run({"run", "cow_tree:mutant=M1", "--transactions", "20", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(Lines(outcome.out).size(), 1U) << outcome.out;
}

TEST(Console, LastLineHoldsCountsCoverageVerdictAndReport) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"run", "cow_tree:dirsync=0", "--transactions", "20"});
  const std::string last = Lines(outcome.out).back();
  for (const char* part : {"cow_tree:dirsync=0: ", "20 transactions", " crash points, ",
                           " crash states in ", " recoveries (exhaustive) in ",
                           "promise durable: violated, 1 finding; ", "plugpull-out/result.json"}) {
    EXPECT_NE(last.find(part), std::string::npos) << part << " is missing in " << last;
  }
  EXPECT_NE(outcome.err.find("seed 1"), std::string::npos) << "the seed that was chosen is told";
}

TEST(Console, SaysWhereAFindingBites) {
  Sandbox sandbox;
  const Words run = {"run", "cow_tree:dirsync=0", "--transactions", "10"};
  const Outcome outcome = sandbox.Run(run);
  // An unsynced directory: file systems that order metadata keep the name all the same.
  EXPECT_NE(outcome.out.find("  models     portability: only posix-minimal\n"), std::string::npos)
      << outcome.out;
  EXPECT_EQ(outcome.out.find("held on "), std::string::npos) << outcome.out;
  EXPECT_FALSE(sandbox.Json("plugpull-out/result.json").contains("models"));
  Words all = run;
  all.insert(all.end(), {"--model", "all"});
  const Outcome compared = sandbox.Run(all);
  EXPECT_EQ(compared.exit_code, 1);
  EXPECT_NE(compared.err.find("model all"), std::string::npos) << compared.err;
  const Words lines = Lines(compared.out);
  ASSERT_GE(lines.size(), 2U);
  EXPECT_TRUE(lines[lines.size() - 2].starts_with("held on ")) << lines[lines.size() - 2];
  EXPECT_TRUE(lines[lines.size() - 2].ends_with("; violated on posix-minimal"));
  const json result = sandbox.Json("plugpull-out/result.json");
  EXPECT_EQ(result["model"], "all");
  EXPECT_EQ(result["models"].size(), 8U);
  EXPECT_EQ(result["models"]["posix-minimal"], "violated");
  EXPECT_EQ(result["models"]["ext4-ordered"], "held");
}

TEST(Console, WritesNothingForTerminalsWhereThereIsNone) {
  Sandbox sandbox;
  for (const Words& environment : {Words{}, Words{"NO_COLOR=1", "TERM=xterm"}, Words{"CI=1"}}) {
    const Outcome outcome = sandbox.Run({"run", "cow_tree:mutant=M1", "--transactions", "20"},
                                        {.environment = environment});
    for (const std::string& text : {outcome.out, outcome.err}) {
      EXPECT_EQ(text.find_first_of("\x1b\r\a\b"), std::string::npos) << text;
    }
  }
}

TEST(Help, OfEveryCommandNamesEveryOption) {
  Sandbox sandbox;
  const Words workload = {"--workload", "--seed", "--transactions", "--keys"};
  const Words search = {"--model",  "--tear",       "--faults", "--promise",         "--per-class",
                        "--budget", "--recoveries", "--jobs",   "--recovery-timeout"};
  const Words output = {"--out", "--json", "--junit", "--quiet"};
  const auto expect = [&](const std::string& command, const std::vector<Words>& groups) {
    const Outcome outcome = sandbox.Run({command, "--help"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.err, "");
    for (const Words& group : groups) {
      for (const std::string& option : group) {
        EXPECT_NE(outcome.out.find("  " + option), std::string::npos) << command << " " << option;
      }
    }
  };
  expect("run", {{"target", "--config", "-h,--help"}, workload, search, output});
  expect("record", {{"--target", "-o,--output", "--config"}, workload});
  expect("explore", {{"trace", "--config"}, search, output});
  expect("replay", {{"case", "--times", "--quiet", "--config"}});
  expect("explain", {{"case", "--json", "--markdown", "--operations"}});
  expect("list", {{"what"}});
  const Outcome outcome = sandbox.Run({"--help"});
  for (const char* word : {"run", "record", "explore", "replay", "list", "Exit codes"}) {
    EXPECT_NE(outcome.out.find(word), std::string::npos) << word;
  }
}

TEST(Version, IsOneLineAndTheOneOfTheResults) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  const json result = sandbox.Result({"run", "--transactions", "1"}, 0);
  const std::string expected = "plugpull " + result["version"].get<std::string>() + " (" +
                               result["commit"].get<std::string>() + ")\n";
  EXPECT_EQ(outcome.out, expected);
}

TEST(List, NamesWhatThereIs) {
  Sandbox sandbox;
  const std::map<std::string, Words> lists = {
      {"targets", {"cow_tree", "sqlite", "  journal=delete|", "  mutant=none|M1|"}},
      {"workloads", {"mixed", "single", "append"}},
      {"models",
       {"posix-minimal", "somc", "ext4-writeback", "ext4-ordered", "xfs", "btrfs",
        "ext4-ordered-classic", "ext4-journal", "ordered", "process-kill",
        "  drag=to-covered|to-call (default to-covered): ", "  profile=contract|observed ",
        "  tear=none|4096|512|512-any (default 512-any): ",
        "  shape=everything|prefix|closed|log (default closed): "}},
      {"faults", {"process-kill", "power-cut-ordered", "power-cut", "torn-write"}},
      {"promises", {"opens", "intact", "atomic", "prefix", "durable"}},
      {"classes",
       {"lost-commit", "partial-commit", "hole", "wrong-value", "resurrected", "refuses-to-open",
        "crash-on-open", "hang-on-open", "structure", "not-idempotent", "unusable-after", "leak"}}};
  for (const auto& [what, names] : lists) {
    const Outcome outcome = sandbox.Run({"list", what});
    EXPECT_EQ(outcome.exit_code, 0);
    for (const std::string& name : names) {
      EXPECT_NE(("\n" + outcome.out).find("\n" + name), std::string::npos) << what << " " << name;
    }
  }
  EXPECT_EQ(sandbox.Run({"list"}).out, sandbox.Run({"list", "targets"}).out);
}

}  // namespace
}  // namespace plugpull::e2e
