#include "faults/litmus/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "faults/base/assert.h"
#include "faults/base/nearest.h"
#include "faults/persistence/model_text.h"

namespace plugpull {
namespace {

bool SameWord(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  });
}

}  // namespace

const std::vector<LitmusColumn>& NamedColumns() {
  static const std::vector<LitmusColumn> columns = [] {
    constexpr std::pair<const char*, const char*> kHeadings[] = {{"PM", "posix-minimal"},
                                                                 {"somc", "somc"},
                                                                 {"WB", "ext4-writeback"},
                                                                 {"OC", "ext4-ordered-classic"},
                                                                 {"ON", "ext4-ordered"},
                                                                 {"J", "ext4-journal"},
                                                                 {"X", "xfs"},
                                                                 {"B", "btrfs"}};
    std::vector<LitmusColumn> made;
    for (const auto& [heading, name] : kHeadings) made.push_back({heading, FindModel(name)});
    Assert(made.size() == Models().size(), "every model has a column");
    return made;
  }();
  return columns;
}

Expected<std::vector<LitmusColumn>> ColumnsOf(const std::vector<std::string>& models) {
  std::vector<LitmusColumn> columns;
  for (const std::string& text : models) {
    if (const auto named = FindNamedColumn(text)) {
      columns.push_back(**named);
      continue;
    }
    const Expected<const Model*> model = ParseModel(text);
    if (!model) return std::unexpected(model.error());
    columns.push_back({fmt::format("M{}", columns.size() + 1), *model});
  }
  return columns;
}

Expected<const LitmusColumn*> FindNamedColumn(std::string_view word) {
  std::vector<std::string> words;
  for (const LitmusColumn& column : NamedColumns()) {
    if (SameWord(column.heading, word) || SameWord(column.model->name, word)) return &column;
    words.push_back(column.heading);
    words.push_back(column.model->name);
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("there is no model '{}'{}", word, NearestHint(word, words)));
}

}  // namespace plugpull
