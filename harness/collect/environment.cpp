#include "harness/collect/environment.h"

#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <cstring>

#include "harness/collect/proc.h"

namespace vfsprof::harness {
namespace {

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("gcc {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

std::string first_line(const char* path) {
  const std::string text = read_text(path).value_or("");
  return text.substr(0, text.find('\n'));
}

/// What the hypervisor calls itself: leaf 0x40000000, which all of them answer.
std::string hypervisor_signature() {
#if defined(__x86_64__)
  unsigned leaf = 0;
  char signature[13] = {};
  unsigned parts[3] = {};
  __cpuid(0x40000000, leaf, parts[0], parts[1], parts[2]);
  std::memcpy(signature, parts, sizeof parts);
  return signature;
#else
  return "";
#endif
}

std::string hypervisor(std::string_view cpuinfo) {
  std::string xen_type = first_line("/sys/hypervisor/type");
  const std::string_view flags = field_of(cpuinfo, "flags");
  if (!fmt::format(" {} ", flags).contains(" hypervisor ")) return xen_type;
  std::string name = hypervisor_signature();
  if (name.starts_with("KVM")) name = "KVM";
  if (name.empty()) name = xen_type.empty() ? "unknown hypervisor" : xen_type;
  const std::string product = first_line("/sys/class/dmi/id/product_name");
  return product.empty() ? name : fmt::format("{} ({})", name, product);
}

int setting(const char* path) {
  return static_cast<int>(read_number(path).value_or(kUnknownSetting));
}

}  // namespace

std::string distribution_of(std::string_view os_release) {
  constexpr std::string_view kKey = "PRETTY_NAME=";
  std::size_t at = os_release.starts_with(kKey) ? 0 : os_release.find("\nPRETTY_NAME=");
  if (at == std::string_view::npos) return "";
  if (at > 0) ++at;
  std::string_view value = os_release.substr(at + kKey.size());
  value = value.substr(0, value.find('\n'));
  if (value.size() >= 2 && value.front() == value.back() &&
      (value.front() == '"' || value.front() == '\'')) {
    value = value.substr(1, value.size() - 2);
  }
  return std::string(value);
}

reports::Environment read_environment() {
  utsname system{};
  ::uname(&system);
  const std::string cpuinfo = read_text("/proc/cpuinfo").value_or("");
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  return {.tool_version = VFSPROF_VERSION,
          .build_type = VFSPROF_BUILD_TYPE,
          .compiler = compiler(),
          .kernel = fmt::format("{} {} {}", system.sysname, system.release, system.machine),
          .distribution = distribution_of(read_text("/etc/os-release").value_or("")),
          .libc = fmt::format("glibc {}", ::gnu_get_libc_version()),
          .libfuse = "",
          .cpu_model = std::string(field_of(cpuinfo, "model name")),
          .hypervisor = hypervisor(cpuinfo),
          .cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)),
          .memory_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
          .user = ::geteuid() == 0 ? "root" : "ordinary user",
          .perf_event_paranoid = setting("/proc/sys/kernel/perf_event_paranoid"),
          .kptr_restrict = setting("/proc/sys/kernel/kptr_restrict")};
}

}  // namespace vfsprof::harness
