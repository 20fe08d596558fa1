// vfsprof-mount-canary: the daemon with one planted fault beside its writes, for tests of the gate.
// The environment variable VFSPROF_CANARY names it: FAULT, or FAULT:N for each N-th write. Its main
// is that of vfsprof-mount, compiled with make_canary_engine in the place of make_engine.

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "vfs/tests/canary/faults.h"
#include "vfs/tests/canary/forwarding_engine.h"
#include "vfs/variant.h"

namespace vfsprof::vfs {

std::unique_ptr<Engine> make_canary_engine(const Variant& variant, const EngineOptions& options);

namespace {

struct Planted {
  const Fault* fault = nullptr;
  std::uint64_t every = 1;
};

Planted parse(std::string_view text) {
  Planted planted;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view number = text.substr(colon + 1);
    std::from_chars(number.data(), number.data() + number.size(), planted.every);
  }
  std::string names;
  for (const Fault& fault : all_faults()) {
    if (fault.name == text.substr(0, colon)) planted.fault = &fault;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", fault.name);
  }
  if (planted.fault == nullptr || planted.every == 0) {
    throw VariantError(fmt::format(
        "VFSPROF_CANARY is '{}': name one of {}, with :N for each N-th write", text, names));
  }
  return planted;
}

class CanaryEngine final : public ForwardingEngine {
 public:
  CanaryEngine(std::unique_ptr<Engine> engine, Planted planted)
      : ForwardingEngine(std::move(engine)), planted_(planted) {}

  Result<std::size_t> write(const WriteRequest& request) override {
    plant(request);
    return engine().write(request);
  }
  std::optional<Result<std::size_t>> try_write(const WriteRequest& request) override {
    plant(request);
    return engine().try_write(request);
  }
  Result<std::size_t> write_staged(const WriteRequest& request,
                                   const StagedPayload& staged) override {
    WriteRequest moved = request;
    moved.payload = staged.payload;
    plant(moved);
    return engine().write_staged(request, staged);
  }

 private:
  /// Before the write, whose payload may give its pages away. Memory order relaxed: only a count.
  void plant(const WriteRequest& request) {
    if (writes_.fetch_add(1, std::memory_order_relaxed) % planted_.every == 0) {
      planted_.fault->plant(engine(), request);
    }
  }

  Planted planted_;
  std::atomic<std::uint64_t> writes_{0};
};

}  // namespace

std::unique_ptr<Engine> make_canary_engine(const Variant& variant, const EngineOptions& options) {
  const char* const text = std::getenv("VFSPROF_CANARY");
  const Planted planted = parse(text == nullptr ? "" : text);
  return std::make_unique<CanaryEngine>(make_engine(variant, options), planted);
}

}  // namespace vfsprof::vfs
