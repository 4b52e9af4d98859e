#include "harness/user_program.h"

#include "engine/target.h"
#include "faults/base/assert.h"

namespace plugpull {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class UserProgram final : public EngineType {
 public:
  std::string_view name() const override { return "program"; }
  std::string_view description() const override { return "a program of the user's"; }
  const std::vector<OptionSpec>& options() const override { return options_; }
  bool is_program() const override { return true; }

  std::unique_ptr<Engine> Create(Vfs& /*vfs*/, const EngineOptions& /*options*/) const override {
    Assert(false, "a program of the user's is not an engine");
    return nullptr;
  }

  std::string RoleOf(std::string_view path) const override {
    std::string role;
    for (size_t i = 0; i < path.size(); ++i) {
      const bool goes_on = i > 0 && IsDigit(path[i]) && IsDigit(path[i - 1]);
      if (!goes_on) role += IsDigit(path[i]) ? 'N' : path[i];
    }
    return role;
  }

 private:
  std::vector<OptionSpec> options_;
};

}  // namespace

const EngineType& UserProgramType() {
  static const UserProgram type;
  return type;
}

Expected<const EngineType*> TypeOfTarget(const ExploreSettings& settings) {
  if (settings.target.empty()) return &UserProgramType();
  const Expected<Target> target = ParseTarget(settings.target);
  if (!target) return std::unexpected(target.error());
  return target->type;
}

std::string VersionOfTarget(const ExploreSettings& settings) {
  const Expected<const EngineType*> type = TypeOfTarget(settings);
  return type ? (*type)->version() : "";
}

}  // namespace plugpull
