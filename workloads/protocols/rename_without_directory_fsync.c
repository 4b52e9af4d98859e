// Bug: the directory is not synced after the rename, and yet the new version is promised.
#include "protocol.h"

int main(int argc, char** argv) {
  if (is_check(argc, argv)) return check_one_version("data", 300);
  for (int version = 1; version <= kVersions; ++version) {
    const int file = create("data.tmp");
    put(file, 0, 300, version);
    sync_file(file);
    close(file);
    must(rename("data.tmp", "data"), "rename");
    acknowledge(version);
  }
  return 0;
}
