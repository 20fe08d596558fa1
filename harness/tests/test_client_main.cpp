#include "harness/scenario/client.h"

int main() { return vfsprof::harness::client_main(); }
