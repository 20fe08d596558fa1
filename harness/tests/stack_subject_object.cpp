// A shared object without frame pointers, for the test of whole stacks. It calls a function of its
// own through its procedure linkage table.
#include <atomic>
#include <cstdint>

extern "C" {

std::uint64_t stack_subject_object_value = 1;

[[gnu::noinline]] void stack_subject_object_callee() {
  stack_subject_object_value = stack_subject_object_value * 6364136223846793005u + 1;
}

[[gnu::noinline]] void stack_subject_object_caller() {
  for (int i = 0; i < 1000; ++i) stack_subject_object_callee();
  ++stack_subject_object_value;
}

void stack_subject_object_run(const std::atomic<bool>* stopping) {
  while (!*stopping) stack_subject_object_caller();
  ++stack_subject_object_value;
}
}
