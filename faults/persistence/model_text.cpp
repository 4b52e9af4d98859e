#include "faults/persistence/model_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <set>

#include "faults/persistence/model_file.h"
#include "faults/persistence/model_parameters.h"

namespace plugpull {
namespace {

constexpr std::string_view kFileEnd = ".toml";

// Every model that is not built in and was ever parsed, with its text. Models are few.
struct Interned {
  std::string text;
  Model model;
};
std::deque<Interned>& Registry() {
  static std::deque<Interned> registry;
  return registry;
}
std::mutex& RegistryMutex() {
  static std::mutex mutex;
  return mutex;
}

bool SameButForDescription(const Model& left, const Model& right) {
  Model described = left;
  described.description = right.description;
  return described == right;
}

// Returns: ",key=value" for each parameter of `model` that differs from `base`.
std::string Differences(const Model& model, const Model& base) {
  std::string text;
  for (const ModelParameter& parameter : ModelParameters()) {
    const std::string value = parameter.value(model);
    if (value != parameter.value(base)) text += fmt::format(",{}={}", parameter.key, value);
  }
  return text;
}

// Returns: the built-in model that a name such as "xfs,profile=contract,drag=to-call" goes on from,
// or null.
const Model* BaseInName(std::string_view name) {
  const Model* base = FindModel(name.substr(0, name.find(',')));
  if (base == nullptr || std::ranges::find(Models(), base->name, &Model::name) == Models().end()) {
    return base;
  }
  const Model& contract = ContractProfile(*base);
  return (std::string(name) + ",").starts_with(contract.name + ",") ? &contract : base;
}

// Returns: the built-in model that differs in the fewest parameters, the weakest of those.
const Model& NearestBase(const Model& model) {
  const Model* nearest = nullptr;
  ptrdiff_t fewest = 0;
  for (const Model& base : Models()) {
    const std::string differences = Differences(model, base);
    const ptrdiff_t count = std::ranges::count(differences, '=');
    if (nearest != nullptr && count >= fewest) continue;
    nearest = &base;
    fewest = count;
  }
  return *nearest;
}

const Model* Intern(ModelDraft draft) {
  const std::string differences = Differences(draft.model, *draft.base);
  if (draft.name.empty() && differences.empty()) return draft.base;
  std::string text = draft.base->name;
  if (!draft.name.empty()) text += ",name=" + draft.name;
  text += differences;
  draft.model.name = draft.name.empty() ? text : draft.name;
  const std::lock_guard lock(RegistryMutex());
  for (const Interned& known : Registry()) {
    if (SameButForDescription(known.model, draft.model)) return &known.model;
  }
  return &Registry().emplace_back(std::move(text), std::move(draft.model)).model;
}

Expected<void> SetItem(ModelDraft& draft, std::string_view key, std::string_view value,
                       bool is_first) {
  if (key == "name") return SetName(draft, value);
  if (key != "profile") return SetParameter(draft.model, key, value);
  if (!is_first || !draft.name.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "'profile' comes before all other parameters and right after a built-in model");
  }
  return SetProfile(draft, value);
}

// Applies "key=value,key=value".
Expected<void> SetItems(ModelDraft& draft, std::string_view items) {
  std::set<std::string_view> given;
  while (true) {
    const size_t comma = items.find(',');
    const std::string_view item = items.substr(0, comma);
    const size_t equals = item.find('=');
    const std::string_view key = item.substr(0, equals);
    if (key == "any" && given.contains("tear")) {
      return Fail(ErrorCode::kInvalidArgument, "within a list it is tear=512-any");
    }
    if (!given.insert(key).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("parameter '{}' is given twice", Shown(key)));
    }
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
    if (const Expected<void> set = SetItem(draft, key, value, given.size() == 1); !set) return set;
    if (comma == std::string_view::npos) return {};
    items.remove_prefix(comma + 1);
  }
}

Expected<const Model*> Finish(Expected<ModelDraft> draft, std::string_view start,
                              std::string_view items) {
  if (!draft) return std::unexpected(draft.error());
  if (!items.empty()) {
    Expected<void> set = SetItems(*draft, items.substr(1));
    if (set) {
      const std::optional<Misfit> misfit = MisfitOf(draft->model);
      if (misfit) set = Fail(ErrorCode::kInvalidArgument, misfit->reason);
    }
    if (!set) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("model '{}': {}", Shown(start), set.error().context));
    }
  }
  return Intern(std::move(*draft));
}

}  // namespace

Expected<const Model*> ParseModelText(std::string_view text) {
  const std::string_view start = text.substr(0, text.find(','));
  return Finish(StartFrom(start), start, text.substr(start.size()));
}

Expected<const Model*> ParseModel(std::string_view text) {
  if (FindModel(text.substr(0, text.find(','))) != nullptr) return ParseModelText(text);
  // A path may have commas of its own.
  for (size_t at = text.find(kFileEnd); at != text.npos; at = text.find(kFileEnd, at + 1)) {
    const size_t end = at + kFileEnd.size();
    if (end < text.size() && text[end] != ',') continue;
    const std::string_view path = text.substr(0, end);
    return Finish(LoadModelFile(std::string(path)), path, text.substr(end));
  }
  return ParseModelText(text);
}

std::string ModelText(const Model& model) {
  {
    const std::lock_guard lock(RegistryMutex());
    for (const Interned& known : Registry()) {
      if (SameButForDescription(known.model, model)) return known.text;
    }
  }
  if (const Model* base = BaseInName(model.name)) return base->name + Differences(model, *base);
  const Model& base = NearestBase(model);
  return fmt::format("{},name={}{}", base.name, model.name, Differences(model, base));
}

}  // namespace plugpull
