// Goal: what the user writes becomes the settings that it says, or an error that helps.
#include "harness/cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "faults/persistence/model_text.h"
#include "harness/cli/toml_config.h"
#include "reports/report_format.h"

namespace plugpull {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

TEST(ParseDuration, TakesAWholeNumberAndAUnit) {
  EXPECT_EQ(ParseDuration("500ms").value(), milliseconds(500));
  EXPECT_EQ(ParseDuration("1s").value(), milliseconds(1000));
  EXPECT_EQ(ParseDuration("90s").value(), milliseconds(90'000));
  EXPECT_EQ(ParseDuration("30m").value(), milliseconds(1'800'000));
  EXPECT_EQ(ParseDuration("2h").value(), milliseconds(7'200'000));
  EXPECT_EQ(ParseDuration("999999h").value(), milliseconds(3'599'996'400'000));
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text : {"", "s", "5", "0s", "-1s", "+1s", "1.5s", " 1s", "1s ", "1 s", "1sec",
                           "1S", "1d", "1m30s", "1e3s", "1000000s", "99999999999999999999s"}) {
    const auto duration = ParseDuration(text);
    ASSERT_FALSE(duration.has_value()) << text;
    EXPECT_EQ(duration.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(duration.error().context,
                HasSubstr(std::string("'") + text + "' is no time; write 500ms, 90s, 30m or 2h"));
  }
}

// Returns: the error of turning options into settings, with one of them set to `word`; "" when
// there is none.
std::string ExploreError(std::string Options::*option, const std::string& word) {
  Options options;
  options.*option = word;
  const auto settings = ToExploreOptions(options);
  if (settings) return "";
  EXPECT_EQ(settings.error().code, ErrorCode::kInvalidArgument);
  return settings.error().context;
}

TEST(ToExploreOptions, DefaultsAreThoseOfTheDesign) {
  const ExploreOptions result = ToExploreOptions({}).value();
  EXPECT_EQ(result.settings.target, "cow_tree");
  EXPECT_EQ(result.settings.model->name, "posix-minimal");
  EXPECT_EQ(result.settings.tear, Tear::kSectorsContiguous);
  EXPECT_EQ(result.settings.promise, Promise::kDurable);
  EXPECT_EQ(result.settings.seed, kDefaultSeed);
  EXPECT_EQ(result.settings.recovery_timeout_ms, 10'000u);
  EXPECT_EQ(result.settings.recoveries_per_point, 0u);
  EXPECT_EQ(result.budget, std::nullopt);
  EXPECT_GE(result.jobs, 1u);
}

TEST(ToExploreOptions, EveryOptionArrives) {
  Options options;
  options.target = "sqlite:journal=wal";
  options.seed = 7;
  options.keys = 8;
  options.model = "ordered";
  options.tear = "512,any";
  options.promise = "atomic";
  options.per_class = 9;
  options.recoveries = 10;
  options.recovery_timeout = "11ms";
  options.budget = "12s";
  options.jobs = 13;
  options.cycles = 14;
  options.out = "somewhere";
  const ExploreOptions result = ToExploreOptions(options).value();
  EXPECT_EQ(result.settings.target, "sqlite:journal=wal");
  EXPECT_EQ(result.settings.seed, 7u);
  EXPECT_EQ(result.settings.keys, 8u);
  EXPECT_EQ(result.settings.model->name, "ordered");
  EXPECT_EQ(result.settings.tear, Tear::kSectorsAny);
  EXPECT_EQ(result.settings.promise, Promise::kAtomic);
  EXPECT_EQ(result.settings.per_class, 9u);
  EXPECT_EQ(result.settings.recoveries_per_point, 10u);
  EXPECT_EQ(result.settings.recovery_timeout_ms, 11u);
  EXPECT_EQ(result.budget, milliseconds(12'000));
  EXPECT_EQ(result.jobs, 13u);
  EXPECT_EQ(result.cycles, 14u);
  EXPECT_EQ(result.out_directory, "somewhere");
}

TEST(ToExploreOptions, TheStrongestFaultSetsModelAndTear) {
  const auto settings = [](const std::string& faults) {
    Options options;
    options.faults = faults;
    return ToExploreOptions(options).value().settings;
  };
  EXPECT_EQ(settings("process-kill").model->name, "process-kill");
  EXPECT_EQ(settings("process-kill").tear, Tear::kNone);
  EXPECT_EQ(settings("power-cut-ordered,process-kill").model->name, "ordered");
  EXPECT_EQ(settings("power-cut-ordered").tear, Tear::kNone);
  EXPECT_EQ(settings("power-cut").model->name, "posix-minimal");
  EXPECT_EQ(settings("power-cut").tear, Tear::kNone);
  EXPECT_EQ(settings("process-kill,torn-write").model->name, "posix-minimal");
  EXPECT_EQ(settings("torn-write").tear, Tear::kSectorsContiguous);
}

TEST(ToExploreOptions, AModelTakesValuesAndAFile) {
  Options options;
  options.model = "ext4-ordered,profile=contract,drag=to-covered,fill=garbage";
  EXPECT_EQ(ModelText(*ToExploreOptions(options).value().settings.model),
            "ext4-ordered,profile=contract,fill=garbage");
  const std::string path =
      testing::TempDir() + "plugpull-options-" + std::to_string(::getpid()) + ".toml";
  std::ofstream(path) << "name = \"mine\"\nbase = \"xfs\"\nbarriers = true\n";
  options.model = path + ",fill=garbage";
  EXPECT_EQ(ModelText(*ToExploreOptions(options).value().settings.model),
            "xfs,name=mine,fill=garbage,barriers=yes");
  std::filesystem::remove(path);
  const auto gone = ToExploreOptions(options);
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(ExploreError(&Options::model, "xfs,rename=dual"), HasSubstr("needs groups=none"));
}

TEST(ToExploreOptions, AllModelsStartFromTheWeakest) {
  Options options;
  EXPECT_FALSE(ToExploreOptions(options).value().all_models);
  options.model = "all";
  EXPECT_TRUE(ToExploreOptions(options).value().all_models);
  EXPECT_EQ(ToExploreOptions(options).value().settings.model, &Models().front());
  options.faults = "power-cut";
  EXPECT_TRUE(ToExploreOptions(options).value().all_models);
  options.faults = "power-cut-ordered";
  EXPECT_THAT(ToExploreOptions(options).error().context, HasSubstr("--model all compares"));
}

TEST(ToExploreOptions, ErrorsNameTheNearestWord) {
  EXPECT_THAT(ExploreError(&Options::model, "orderd"),
              HasSubstr("there is no model 'orderd', did you mean 'ordered'?"));
  EXPECT_THAT(ExploreError(&Options::tear, "511"),
              HasSubstr("there is no tear '511', did you mean"));
  EXPECT_THAT(ExploreError(&Options::promise, "durabel"), HasSubstr("did you mean 'durable'?"));
  EXPECT_THAT(ExploreError(&Options::faults, "torn-writes"),
              HasSubstr("did you mean 'torn-write'?"));
  EXPECT_THAT(ExploreError(&Options::faults, "power-cut,,"), HasSubstr("there is no fault ''"));
  EXPECT_THAT(ExploreError(&Options::recovery_timeout, "soon"), HasSubstr("'soon' is no time"));
  EXPECT_THAT(ExploreError(&Options::budget, "1"), HasSubstr("'1' is no time"));
}

TEST(ToRecordSettings, EveryOptionArrivesAndErrorsNameTheNearestWord) {
  Options options;
  options.target = "sqlite:sync=off";
  options.workload = "append";
  options.seed = 3;
  options.transactions = 4;
  options.keys = 5;
  const RecordSettings settings = ToRecordSettings(options).value();
  EXPECT_EQ(settings.target, "sqlite:sync=off");
  EXPECT_EQ(settings.workload, "append");
  EXPECT_EQ(settings.options.seed, 3u);
  EXPECT_EQ(settings.options.transactions, 4u);
  EXPECT_EQ(settings.options.keys, 5u);
  options.workload = "apend";
  EXPECT_THAT(ToRecordSettings(options).error().context, HasSubstr("did you mean 'append'?"));
  options.target = "sqlte";
  EXPECT_THAT(ToRecordSettings(options).error().context, HasSubstr("did you mean 'sqlite'?"));
}

// A command with every shared option, as `run` has it.
class Commands : public testing::Test {
 protected:
  Commands() {
    app_.add_option("target", options_.target);
    AddWorkloadOptions(app_, options_);
    AddExploreOptions(app_, options_);
    AddOutputOptions(app_, options_);
    AddConfigOption(app_, options_);
  }
  ~Commands() override { std::filesystem::remove(path_); }

  // Returns: what CLI11 says of the line; "" when it likes it.
  std::string Parse(const std::string& line) {
    try {
      app_.parse(line, /*program_name_included=*/false);
    } catch (const CLI::ParseError& error) {
      return std::string(error.what()) + "!";
    }
    return "";
  }

  // Returns: the error of applying this TOML; "" when there is none.
  std::string Apply(const std::string& toml) {
    std::ofstream(path_) << toml;
    const Expected<void> applied = ApplyTomlConfig(app_, path_);
    return applied ? "" : applied.error().context;
  }

  const std::string path_ =
      testing::TempDir() + "plugpull-config-" + std::to_string(::getpid()) + ".toml";
  CLI::App app_;
  Options options_;
};

TEST_F(Commands, OptionsAreParsed) {
  EXPECT_EQ(Parse("sqlite --seed 18446744073709551615 --transactions 0 --keys 1 --per-class 2 "
                  "--recoveries 3 --jobs 4 --quiet --json - --junit out.xml --out d"),
            "");
  EXPECT_EQ(options_.target, "sqlite");
  EXPECT_EQ(options_.seed, UINT64_MAX);
  EXPECT_EQ(options_.transactions, 0u);
  EXPECT_EQ(options_.keys, 1u);
  EXPECT_EQ(options_.per_class, 2u);
  EXPECT_EQ(options_.recoveries, 3u);
  EXPECT_EQ(options_.jobs, 4u);
  EXPECT_TRUE(options_.quiet);
  EXPECT_EQ(options_.reports.at("json"), "-");
  EXPECT_EQ(options_.reports.at("junit"), "out.xml");
  EXPECT_EQ(options_.out, "d");
}

TEST_F(Commands, EveryReportFormatHasItsOption) {
  for (const ReportFormat& format : ReportFormats()) {
    EXPECT_NE(app_.get_option_no_throw("--" + std::string(format.name)), nullptr) << format.name;
  }
}

TEST_F(Commands, NumbersOutOfRangeAreRefused) {
  for (const char* line :
       {"--seed=-1", "--seed=1.5", "--seed=x", "--seed=18446744073709551616", "--keys=0",
        "--keys=1000001", "--transactions=-1", "--transactions=1000001", "--per-class=0",
        "--jobs=0", "--jobs=1025", "--cycles=0", "--cycles=1001", "--recoveries=-3", "--keys=0x10",
        "--keys=+5"}) {
    EXPECT_THAT(Parse(line), HasSubstr("takes a whole number from")) << line;
  }
}

TEST_F(Commands, ATomlFileSetsEveryKindOfOption) {
  ASSERT_EQ(Parse(""), "");
  EXPECT_EQ(Apply("target = \"sqlite\"\nseed = 5\ntransactions = 1_000\npromise = \"atomic\"\n"
                  "quiet = true\nbudget = \"30m\"\nfaults = [\"process-kill\", \"power-cut\"]\n"
                  "json = \"x.json\"\nrecovery-timeout = \"5s\"\n"),
            "");
  EXPECT_EQ(options_.target, "sqlite");
  EXPECT_EQ(options_.seed, 5u);
  EXPECT_EQ(options_.transactions, 1000u);
  EXPECT_EQ(options_.promise, "atomic");
  EXPECT_TRUE(options_.quiet);
  EXPECT_EQ(options_.budget, "30m");
  EXPECT_EQ(options_.faults, "process-kill,power-cut");
  EXPECT_EQ(options_.reports.at("json"), "x.json");
  EXPECT_EQ(options_.recovery_timeout, "5s");
}

TEST_F(Commands, TheCommandLineWinsOverTheFile) {
  ASSERT_EQ(Parse("cow_tree --seed 1 --quiet --model ordered"), "");
  EXPECT_EQ(Apply("target = \"sqlite\"\nseed = 5\nquiet = false\nmodel = \"process-kill\"\n"
                  "keys = 9\n"),
            "");
  EXPECT_EQ(options_.target, "cow_tree");
  EXPECT_EQ(options_.seed, 1u);
  EXPECT_TRUE(options_.quiet);
  EXPECT_EQ(options_.model, "ordered");
  EXPECT_EQ(options_.keys, 9u);
}

TEST_F(Commands, AFlagThatIsFalseStaysOff) {
  ASSERT_EQ(Parse(""), "");
  EXPECT_EQ(Apply("quiet = false\n"), "");
  EXPECT_FALSE(options_.quiet);
}

TEST_F(Commands, MistakesInAFileNameFileLineAndKey) {
  ASSERT_EQ(Parse(""), "");
  EXPECT_THAT(Apply("seed = 1\nsed = 5\n"),
              AllOf(HasSubstr(path_ + " line 2"), HasSubstr("'sed', did you mean 'seed'?")));
  EXPECT_THAT(Apply("\n\nseed = -1\n"), AllOf(HasSubstr("line 3"), HasSubstr("whole number")));
  EXPECT_THAT(Apply("seed = \n"), AllOf(HasSubstr("line 1"), HasSubstr("this is not TOML")));
  EXPECT_THAT(Apply("quiet = 1\n"), HasSubstr("'quiet' must be true or false"));
  EXPECT_THAT(Apply("keys = 1.5\n"), HasSubstr("'keys' must be"));
  EXPECT_THAT(Apply("model = 1979-05-27\n"), HasSubstr("'model' must be"));
  EXPECT_THAT(Apply("[model]\nname = \"x\"\n"), HasSubstr("'model' must be"));
  EXPECT_THAT(Apply("config = \"other.toml\"\n"), HasSubstr("no option 'config'"));
  EXPECT_THAT(Apply("help = true\n"), HasSubstr("no option 'help'"));
}

TEST_F(Commands, AFileThatIsNotThereIsNotFound) {
  const Expected<void> applied = ApplyTomlConfig(app_, path_ + ".none");
  ASSERT_FALSE(applied.has_value());
  EXPECT_EQ(applied.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace plugpull
