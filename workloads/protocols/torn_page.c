// Bug: a page of 16 KiB is overwritten in place as if that were one step.
#include "protocol.h"

enum { kPageBytes = 16384 };

int main(int argc, char** argv) {
  if (is_check(argc, argv)) return check_one_version("page", kPageBytes);
  const int first = create("page.tmp");
  put(first, 0, kPageBytes, 1);
  sync_file(first);
  close(first);
  must(rename("page.tmp", "page"), "rename");
  sync_directory();
  acknowledge(1);
  const int file = must(open("page", O_RDWR), "page");
  for (int version = 2; version <= kVersions; ++version) {
    put(file, 0, kPageBytes, version);
    sync_file(file);
    acknowledge(version);
  }
  return 0;
}
