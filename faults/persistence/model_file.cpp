#include "faults/persistence/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "faults/base/nearest.h"
#include "faults/persistence/model_parameters.h"

namespace plugpull {
namespace {

// A model file is a few lines. Each dot of a key opens a table in a table, which the parser takes
// apart by recursion: thousands of them would take its stack.
constexpr uintmax_t kLargestFileBytes = 64 << 10;
constexpr ptrdiff_t kMostDots = 1000;

constexpr size_t kLongestName = 64;

Expected<toml::table> ReadToml(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  const bool no_file = std::filesystem::exists(status) &&
                       !std::filesystem::is_regular_file(status) &&
                       !std::filesystem::is_directory(status);
  const bool large = std::filesystem::is_regular_file(status) &&
                     std::filesystem::file_size(path, error) > kLargestFileBytes;
  if (no_file || large) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: a model is a text file of at most {} bytes", Shown(path),
                            kLargestFileBytes));
  }
  const Expected<std::vector<std::byte>> bytes = ReadWholeFile(path);
  if (!bytes) return std::unexpected(bytes.error());
  const std::string_view text = AsText(*bytes);
  if (std::ranges::count(text, '.') > kMostDots) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: more than {} dots; the keys of a model are not nested", path, kMostDots));
  }
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& parse_error) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} line {}: this is not TOML: {}", path,
                                                         parse_error.source().begin.line,
                                                         Shown(parse_error.description(), 160)));
  }
}

// Returns: the word that a value stands for, or nothing.
std::optional<std::string> WordOf(const toml::node& value) {
  if (const auto text = value.value_exact<std::string>()) return text;
  if (const auto number = value.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto flag = value.value_exact<bool>()) return *flag ? "yes" : "no";
  return std::nullopt;
}

// Reads the keys of one file, in the order in which they build on each other.
class ModelFile {
 public:
  ModelFile(const std::string& path, const toml::table& table) : path_(path), table_(table) {}

  Expected<ModelDraft> Read() {
    for (const auto& [key, value] : table_) {
      if (WordOf(value)) continue;
      return FailAt(&value, fmt::format("'{}' must be a word, a whole number, true or false",
                                        Shown(key.str())));
    }
    Expected<ModelDraft> draft = StartFrom(Word("base").value_or("posix-minimal"));
    if (!draft) return FailAt(table_.get("base"), "base: " + draft.error().context);
    if (const auto profile = Word("profile")) {
      if (const Expected<void> set = SetProfile(*draft, *profile); !set) {
        return FailAt(table_.get("profile"), set.error().context);
      }
    }
    const auto name = Word("name");
    if (!name) return FailAt(nullptr, "a model needs a name, as in name = \"mine\"");
    if (const Expected<void> set = SetName(*draft, *name); !set) {
      return FailAt(table_.get("name"), set.error().context);
    }
    draft->model.description = Shown(Word("description").value_or("from a file"), 200);
    for (const auto& [key, value] : table_) {
      const std::string_view parameter = key.str();
      constexpr std::array<std::string_view, 4> kOthers = {"name", "description", "base",
                                                           "profile"};
      if (std::ranges::find(kOthers, parameter) != kOthers.end()) continue;
      const Expected<void> set = SetParameter(draft->model, parameter, *WordOf(value));
      if (!set) return FailAt(&value, set.error().context);
    }
    if (const std::optional<Misfit> misfit = MisfitOf(draft->model)) {
      return FailAt(table_.get(misfit->key), misfit->reason);
    }
    return draft;
  }

 private:
  std::optional<std::string> Word(std::string_view key) const {
    const toml::node* value = table_.get(key);
    return value == nullptr ? std::nullopt : WordOf(*value);
  }

  // `value`: where in the file, null: nowhere in particular.
  std::unexpected<Error> FailAt(const toml::node* value, const std::string& what) const {
    const std::string line =
        value == nullptr ? "" : fmt::format(" line {}", value->source().begin.line);
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}{}: {}", path_, line, what));
  }

  const std::string& path_;
  const toml::table& table_;
};

}  // namespace

Expected<ModelDraft> StartFrom(std::string_view name) {
  if (const Model* model = FindModel(name)) return ModelDraft{model, "", *model};
  std::vector<std::string> names;
  for (const auto* models : {&Models(), &FaultModels()}) {
    for (const Model& model : *models) names.push_back(model.name);
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("there is no model '{}'{} (one of {}, or a file that ends in .toml)",
                          Shown(name), NearestHint(name, names), fmt::join(names, " ")));
}

Expected<void> SetProfile(ModelDraft& draft, std::string_view profile) {
  if (profile != "observed" && profile != "contract") {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no profile '{}'{} (one of observed, contract)",
                            Shown(profile), NearestHint(profile, {"observed", "contract"})));
  }
  const auto listed = std::ranges::find(Models(), draft.base->name, &Model::name);
  if (listed == Models().end()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' has no 'profile'; only file systems have", draft.base->name));
  }
  // Where both profiles are the same there is one model.
  if (profile == "contract" && ContractProfile(*listed) != *listed) {
    draft.base = &ContractProfile(*listed);
    draft.model = *draft.base;
  }
  return {};
}

Expected<void> SetName(ModelDraft& draft, std::string_view name) {
  const bool legal = !name.empty() && name.size() <= kLongestName &&
                     std::ranges::all_of(name, [](unsigned char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                              (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
                     });
  if (!legal) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no name: it takes letters, digits, '-', '_' and '.', at "
                            "most {}",
                            Shown(name), kLongestName));
  }
  if (FindModel(name) != nullptr || name == "all") {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the name '{}' is taken; choose one of your own", name));
  }
  draft.name = name;
  return {};
}

Expected<ModelDraft> LoadModelFile(const std::string& path) {
  const Expected<toml::table> table = ReadToml(path);
  if (!table) return std::unexpected(table.error());
  return ModelFile(path, *table).Read();
}

}  // namespace plugpull
