#include "faults/base/error.h"

#include <fmt/format.h>

#include <cstring>

namespace plugpull {

std::string Describe(const Error& error) {
  if (error.os_errno == 0) return error.context;
  return fmt::format("{}: {}", error.context, std::strerror(error.os_errno));
}

ErrorCode CodeFromErrno(int os_errno) {
  switch (os_errno) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kAlreadyExists;
    case EINVAL:
      return ErrorCode::kInvalidArgument;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kNoSpace;
    case EBUSY:
    case EAGAIN:
      return ErrorCode::kBusy;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorCode::kUnsupported;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace plugpull
