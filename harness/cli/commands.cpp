#include "harness/cli/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "engine/registry.h"
#include "faults/inject/fault_type.h"
#include "faults/persistence/model_text.h"
#include "faults/trace/trace_file.h"
#include "harness/cli/errors_command.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/explore_report.h"
#include "harness/cli/output.h"
#include "harness/cli/program_command.h"
#include "harness/cli/program_options.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/cli/scenario_command.h"
#include "harness/program_notes.h"
#include "harness/role_patterns.h"
#include "reports/console.h"
#include "workloads/strategies/strategy.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

void Line(std::string_view name, std::string_view description) {
  Print("{:<20} {}\n", name, description);
}

void ListModels() {
  for (const Model& model : Models()) Line(model.name, model.description);
  Print("\nWeaker faults, also as models:\n");
  for (const Model& model : FaultModels()) Line(model.name, model.description);
  Print(
      "\nParameters, with those of {0} as defaults, as in --model {0},fill=zero or in a TOML "
      "file:\n"
      "  profile=contract|observed (default observed): what is promised, or what is implemented\n",
      Models().front().name);
  for (const ModelParameter& parameter : ModelParameters()) {
    Print("  {}={} (default {}): {}\n", parameter.key, fmt::join(parameter.values, "|"),
          parameter.value(Models().front()), parameter.help);
  }
}

void ListFaults() {
  for (const FaultInfo& fault : Faults()) {
    Line(fault.name,
         fmt::format("level {}, {}: {}", fault.number,
                     fault.legal ? "legal" : "beyond the disk's contract", fault.description));
    for (const FaultArgument& argument : FaultTypes()[static_cast<size_t>(fault.level)].arguments) {
      std::string values;
      if (!argument.words.empty()) {
        values = fmt::format("={}", fmt::join(argument.words, "|"));
      } else if (argument.kind != ArgumentKind::kText) {
        values = fmt::format("={}..{}", argument.minimum, argument.maximum);
      }
      const std::string usual =
          argument.default_text.empty() ? "" : fmt::format(" (default {})", argument.default_text);
      Print("  {}{}{}: {}\n", argument.name, values, usual, argument.help);
    }
  }
}

// Requires: the target has been parsed before.
bool IsProgram(const std::string& target) {
  const Expected<Target> parsed = ParseTarget(target);
  return parsed && parsed->is_program();
}

// Readers and rollbacks are asked of an engine, not of a program.
Expected<void> CheckCompany(const Options& options) {
  if (!IsAboutCommand(options) && !IsProgram(options.target)) return {};
  return RefuseCompany(options, "need an engine that is linked, and this is a program of its own");
}

}  // namespace

int Complain(const Error& error) {
  Say("plugpull: {}\n", Describe(error));
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kTooNew:
      return kExitUsage;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kIo:
    case ErrorCode::kNoSpace:
    case ErrorCode::kBusy:
    case ErrorCode::kUnsupported:
    case ErrorCode::kTargetFailed:
      return kExitEnvironment;
  }
  return kExitEnvironment;
}

int RunCommand(const Options& options) {
  if (const Expected<void> alone = CheckCompany(options); !alone) return Complain(alone.error());
  if (IsAboutCommand(options)) return RunProgramCommand(options);
  const Expected<RecordSettings> record = ToRecordSettings(options);
  if (!record) return Complain(record.error());
  if (const Expected<DriverSettings> fits = ToDriverSettings(options); !fits) {
    return Complain(fits.error());
  }
  if (IsProgram(options.target)) return RunDriverCommand(options);
  if (!options.errors.empty()) return RunErrorsCommand(options);
  const Expected<ExploreOptions> explore = ToExploreOptions(options);
  if (!explore) return Complain(explore.error());
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return Complain(prepared.error());
  }
  SayHow(options, *explore, options.target);
  // From here on a signal asks for an early end, and what there is by then is saved.
  ProgressDisplay display(options.target, options.quiet);
  const Expected<Trace> trace = Record(*record);
  if (!trace) return Complain(trace.error());
  return ExploreAndReport({"run", options.target, *record, *trace, *explore}, options, display);
}

int RecordCommand(const Options& options, const std::string& output) {
  if (output.empty() || output == "-") {
    return Complain({ErrorCode::kInvalidArgument,
                     "record needs --output FILE, the trace file to write (not standard output)"});
  }
  if (const Expected<void> alone = CheckCompany(options); !alone) return Complain(alone.error());
  if (IsAboutCommand(options)) return RecordProgramCommand(options, output);
  const Expected<RecordSettings> settings = ToRecordSettings(options);
  if (!settings) return Complain(settings.error());
  if (const Expected<DriverSettings> fits = ToDriverSettings(options); !fits) {
    return Complain(fits.error());
  }
  if (IsProgram(options.target)) return RecordProgramCommand(options, output);
  const Expected<Trace> trace = Record(*settings);
  if (!trace) return Complain(trace.error());
  if (const Expected<void> saved = SaveTrace(output, *trace); !saved) {
    return Complain(saved.error());
  }
  Print("{}: {} operations, {} bytes written, {} transactions; trace in {}\n", settings->target,
        trace->ops.size(), trace->payload.size(), trace->transactions.size(), output);
  return kExitHeld;
}

int ExploreCommand(Options options, const std::string& trace_path) {
  Expected<Trace> trace = LoadTrace(trace_path);
  if (!trace) return Complain(trace.error());
  if (const Expected<RolePatterns> roles = RolePatterns::Parse(options.roles); !roles) {
    return Complain(roles.error());
  }
  if (!options.roles.empty()) trace->facts[kRolesFact] = options.roles;
  if (const Expected<void> faithful = CheckFaithful(*trace); !faithful) {
    return Complain(
        {faithful.error().code, fmt::format("{}: {}", trace_path, faithful.error().context)});
  }
  if (!options.check.empty() || trace->facts.contains(kProgramFact)) {
    return ExploreProgramCommand(options, trace_path, *trace);
  }
  const Expected<RecordSettings> recorded = RecordSettingsOf(*trace);
  if (!recorded) {
    return Complain(
        {recorded.error().code, fmt::format("{}: {}", trace_path, recorded.error().context)});
  }
  // What was recorded from one engine may be opened by another of the same format.
  const bool by_another = IsGiven(options, "--target") && options.target != recorded->target;
  if (!by_another) options.target = recorded->target;
  options.seed = recorded->options.seed;
  options.keys = recorded->options.keys;
  options.readers = by_another ? 0 : recorded->company.readers;
  const Expected<ExploreOptions> explore = ToExploreOptions(options);
  if (!explore) return Complain(explore.error());
  if (IsProgram(options.target)) {
    const Expected<void> fits = CheckSearchOptions(options, /*has_check=*/false);
    if (!fits) return Complain(fits.error());
  }
  if (explore->cycles > 1 && by_another) {
    return Complain({ErrorCode::kInvalidArgument,
                     "--cycles goes on with the target that was recorded; leave out --target"});
  }
  if (explore->cycles > 1 && FindWorkload(recorded->workload) == nullptr) {
    return Complain({ErrorCode::kInvalidArgument,
                     fmt::format("{}: --cycles goes on with the workload '{}', which this version "
                                 "does not have; record the target again",
                                 trace_path, recorded->workload)});
  }
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return Complain(prepared.error());
  }
  SayHow(options, *explore, options.target);
  ProgressDisplay display(options.target, options.quiet);
  return ExploreAndReport({"explore", options.target, *recorded, *trace, *explore}, options,
                          display);
}

int ListCommand(const std::string& what) {
  if (what == "targets") {
    for (const EngineType* type : EngineTypes()) {
      Line(type->name(), type->description());
      for (const OptionSpec& option : type->options()) {
        std::string values = fmt::format("{}", fmt::join(option.values, "|"));
        if (option.values.empty()) values = fmt::format("{}..{}", option.minimum, option.maximum);
        if (option.values.empty() && option.maximum == 0) values = "TEXT";
        Print("  {}={} (default {}): {}\n", option.name, values, option.default_value, option.help);
      }
    }
  } else if (what == "workloads") {
    for (const Workload& workload : Workloads()) Line(workload.name, workload.description);
  } else if (what == "models") {
    ListModels();
  } else if (what == "faults") {
    ListFaults();
  } else if (what == "scenarios") {
    return ListScenarios();
  } else if (what == "failures") {
    ListFailures();
  } else if (what == "strategies") {
    for (const Strategy& strategy : Strategies()) {
      Line(strategy.name, strategy.description);
      Print("  {}: {}\n", Name(strategy.group), strategy.target);
    }
  } else if (what == "promises") {
    for (size_t i = 0; i <= static_cast<size_t>(kLastPromise); ++i) {
      Line(Name(static_cast<Promise>(i)), Describe(static_cast<Promise>(i)));
    }
  } else {
    for (size_t i = 0; i <= static_cast<size_t>(kLastViolationClass); ++i) {
      Line(Name(static_cast<ViolationClass>(i)), Describe(static_cast<ViolationClass>(i)));
    }
  }
  return kExitHeld;
}

}  // namespace plugpull
