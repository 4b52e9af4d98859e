// The values of kSetAttribute as the traced door writes them and as directories are compared. What
// an inode has that no attribute speaks of is that of creation.
#pragma once

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plugpull {

// Of "mode": permissions, set-id bits and the sticky bit, in octal, as in "0644".
inline std::string ModeText(mode_t mode) { return fmt::format("{:04o}", mode & 07777); }

// Of "owner": as in "1000:1000", user and group.
inline std::string OwnerText(uid_t user, gid_t group) { return fmt::format("{}:{}", user, group); }

// Of "times": of the last access and of the last change of bytes, in nanoseconds since 1970.
inline std::string TimesText(const struct stat& status) {
  const auto text = [](const timespec& time) {
    return fmt::format("{}.{:09}", time.tv_sec, time.tv_nsec);
  };
  return text(status.st_atim) + " " + text(status.st_mtim);
}

struct Owner {
  uid_t user = 0;
  gid_t group = 0;

  bool operator==(const Owner&) const = default;
};

// Returns: nothing for a text that no function above writes.
std::optional<mode_t> ParseMode(std::string_view text);
std::optional<Owner> ParseOwner(std::string_view text);

// The mode of a file or directory that no attribute speaks of.
constexpr mode_t CreationMode(bool is_directory) { return is_directory ? 0755 : 0644; }

}  // namespace plugpull
