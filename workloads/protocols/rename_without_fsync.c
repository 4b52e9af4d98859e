// Bug: the new bytes are not synced before they are renamed over the old ones.
#include "protocol.h"

int main(int argc, char** argv) {
  if (is_check(argc, argv)) return check_one_version("data", 300);
  for (int version = 1; version <= kVersions; ++version) {
    const int file = create("data.tmp");
    put(file, 0, 300, version);
    close(file);
    must(rename("data.tmp", "data"), "rename");
    sync_directory();
    acknowledge(version);
  }
  return 0;
}
