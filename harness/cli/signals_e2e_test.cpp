// However a run ends, its children end too, and what was found until then is saved.
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

// Long enough to be interrupted, on any machine.
const Words kLongRun = {
    "run", "sqlite:journal=wal,sync=full", "--transactions", "1500", "--jobs", "2", "--quiet"};

// Returns: true when the process ignores SIGINT, as a child does once it serves.
bool IgnoresInterrupts(pid_t pid) {
  const std::string status = ReadText("/proc/" + std::to_string(pid) + "/status");
  const size_t at = status.find("SigIgn:");
  if (at == std::string::npos) return false;
  return (std::stoull(status.substr(at + 7), nullptr, 16) >> (SIGINT - 1) & 1U) != 0;
}

// Waits until the harness explores. Returns: its children.
std::vector<pid_t> AwaitExploring(pid_t harness) {
  std::vector<pid_t> serving;
  EXPECT_TRUE(Await([&] {
    serving.clear();
    for (const pid_t child : ChildrenOf(harness)) {
      const std::string command = ReadText("/proc/" + std::to_string(child) + "/cmdline");
      const bool recovers = command.find(std::string("\0recover\0", 9)) != std::string::npos;
      if (recovers && IgnoresInterrupts(child)) serving.push_back(child);
    }
    return serving.size() == 2;
  }));
  return serving;
}

bool AllGone(pid_t harness, const std::vector<pid_t>& children) {
  return Await([&] {
    const bool any_left = std::ranges::any_of(children, [](pid_t child) {
      const std::string status = ReadText("/proc/" + std::to_string(child) + "/stat");
      const size_t end_of_name = status.rfind(')');
      return end_of_name != std::string::npos && status.substr(end_of_name, 3) != ") Z";
    });
    return !any_left && ChildrenOf(harness).empty();
  });
}

TEST(Killed, LeavesNoChildBehindAndASecondRunWorks) {
  Sandbox sandbox;
  const pid_t harness = sandbox.Start(kLongRun);
  const std::vector<pid_t> children = AwaitExploring(harness);
  ::kill(harness, SIGKILL);
  EXPECT_EQ(sandbox.Wait(harness).signal, SIGKILL);
  EXPECT_TRUE(AllGone(harness, children));
  const Outcome second = sandbox.Run({"run", "--transactions", "10", "--quiet"});
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(sandbox.Json("plugpull-out/result.json")["verdict"], "held");
}

TEST(Killed, LeavesNoChildBehindWhileItRecords) {
  Sandbox sandbox;
  const pid_t harness = sandbox.Start({"record", "-o", "trace", "--transactions", "20000"});
  std::vector<pid_t> children;
  EXPECT_TRUE(Await([&] {
    children = ChildrenOf(harness);
    return children.size() == 1 && IgnoresInterrupts(children[0]);
  }));
  ::kill(harness, SIGKILL);
  EXPECT_EQ(sandbox.Wait(harness).signal, SIGKILL);
  EXPECT_TRUE(AllGone(harness, children));
  EXPECT_EQ(sandbox.Names(), Words{});
}

struct Interruption {
  int signal;
  bool whole_group;
};

class Interrupted : public ::testing::TestWithParam<Interruption> {};

TEST_P(Interrupted, SavesWhatItHasAndSaysThatItIsNotAll) {
  Sandbox sandbox;
  const pid_t harness = sandbox.Start(kLongRun, {.own_group = true});
  const std::vector<pid_t> children = AwaitExploring(harness);
  ::kill(GetParam().whole_group ? -harness : harness, GetParam().signal);
  const Outcome outcome = sandbox.Wait(harness);
  EXPECT_EQ(outcome.exit_code, 6) << "signal " << outcome.signal << outcome.err;
  EXPECT_TRUE(AllGone(harness, children));
  const json result = sandbox.Json("plugpull-out/result.json");
  ASSERT_TRUE(result.is_object());
  EXPECT_EQ(result["interrupted"], true);
  EXPECT_EQ(result["findings"], json::array()) << "a signal is no crash of the engine";
  EXPECT_EQ(result["coverage"]["mode"], "bounded");
  EXPECT_EQ(result["coverage"]["bounds"], json({"signal"}));
  EXPECT_NE(outcome.out.find("bounded: signal"), std::string::npos) << outcome.out;
  EXPECT_EQ(sandbox.Names(), (Words{"plugpull-out", "plugpull-out/result.json"}));
}

INSTANTIATE_TEST_SUITE_P(Signals, Interrupted,
                         ::testing::Values(Interruption{SIGINT, false},
                                           Interruption{SIGTERM, false}, Interruption{SIGINT, true},
                                           Interruption{SIGTERM, true}),
                         [](const auto& test) {
                           return std::string(test.param.signal == SIGINT ? "Sigint" : "Sigterm") +
                                  (test.param.whole_group ? "ToTheGroup" : "");
                         });

TEST(Interrupted, FindingsUntilThenAreSavedAndReplay) {
  Sandbox sandbox;
  const pid_t harness = sandbox.Start({"run", "sqlite:journal=delete,sync=full", "--transactions",
                                       "2500", "--jobs", "2", "--quiet", "--per-class", "1000000"});
  const std::vector<pid_t> children = AwaitExploring(harness);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  ::kill(harness, SIGINT);
  EXPECT_EQ(sandbox.Wait(harness).exit_code, 6);
  EXPECT_TRUE(AllGone(harness, children));
  const json result = sandbox.Json("plugpull-out/result.json");
  for (const json& finding : result["findings"]) {
    EXPECT_EQ(finding["class"], "lost-commit");
    const std::string file = "plugpull-out/" + finding["case"].get<std::string>();
    EXPECT_EQ(sandbox.Run({"replay", file}).exit_code, 0);
  }
}

}  // namespace
}  // namespace plugpull::e2e
