// The options that commands share, as the user writes them, and their way into settings.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "harness/explore.h"
#include "harness/record.h"
#include "reports/result.h"

namespace plugpull {

// Raw values of the command line. An empty optional was not given.
struct Options {
  std::string target = "cow_tree";
  std::string workload = "mixed";
  std::string roles;  // of files, as RolePatterns
  std::optional<uint64_t> seed;
  uint32_t transactions = 200;
  uint32_t keys = 40;
  uint32_t readers = 0;
  uint32_t rollbacks = 0;
  std::string model = "posix-minimal";  // or a file, or "all"
  std::string tear = "512";
  std::string promise = "durable";
  std::string faults;
  std::string errors;                                // "each", a plan, or empty
  const CLI::Option* transactions_option = nullptr;  // says whether --transactions was given
  uint32_t per_class = 3;
  std::string recovery_timeout = "10s";
  std::string budget;
  uint64_t recoveries = 0;
  uint32_t depth = ExploreSettings().depth;
  uint32_t cycles = 1;
  bool read_set = false;
  bool recoverability = false;
  uint32_t jobs = 0;
  std::string out = "plugpull-out";
  std::string config;
  std::map<std::string, std::string> reports;  // format name -> file
  // Of programs: see program_options.h.
  std::string dir;
  bool keep = false;
  std::string init;
  std::string ready;
  std::string client;
  std::string check;
  std::string user;
  std::string fail;
  bool real_sync = false;
  bool pin = false;
  std::string timeout = "10m";
  std::vector<std::string> program;   // the words after --
  const CLI::App* command = nullptr;  // in use: says which options were given
  bool quiet = false;
};

// Adds what describes the workload: --workload, --seed, --transactions, --keys, --roles.
void AddWorkloadOptions(CLI::App& command, Options& options);

// Adds --roles.
void AddRolesOption(CLI::App& command, Options& options);

// Adds who else is there while it runs: --readers, --rollbacks.
void AddCompanyOptions(CLI::App& command, Options& options);

// Errors: kInvalidArgument: company is asked for where there can be none, as `why` says.
Expected<void> RefuseCompany(const Options& options, std::string_view why);

// Adds what a search under a correct disk needs: --model, --tear, --promise, and its bounds.
void AddSearchOptions(CLI::App& command, Options& options);

// Adds those, --faults, and what goes beyond one search.
void AddExploreOptions(CLI::App& command, Options& options);

// Adds where results go: --out, one option for each report format, --quiet.
void AddOutputOptions(CLI::App& command, Options& options);

// Lets an option take whole numbers from `smallest` to `largest`, in digits, and nothing else.
void TakesNumber(CLI::Option* option, uint64_t smallest, uint64_t largest);

// Lets a TOML file set every long option of `command`.
void AddConfigOption(CLI::App& command, Options& options);

// Errors: kInvalidArgument, with the nearest valid word.
Expected<RecordSettings> ToRecordSettings(const Options& options);
Expected<ExploreOptions> ToExploreOptions(const Options& options);

// Returns: the time that "90s", "30m", "2h" or "500ms" says.
Expected<std::chrono::milliseconds> ParseDuration(const std::string& text);

// The seed that is used when none is given: the same every time, so that a bare run is repeatable.
inline constexpr uint64_t kDefaultSeed = 1;

}  // namespace plugpull
