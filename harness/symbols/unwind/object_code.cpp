#include "harness/symbols/unwind/object_code.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/uio.h>

#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

using ElfHandle = std::unique_ptr<Elf, int (*)(Elf*)>;

/// Through the mapping itself, which leads to deleted files too but needs rights; else by name as
/// the process sees it.
UniqueFd open_mapped_file(pid_t pid, const ExecutableMapping& mapping) {
  if (!mapping.path.starts_with('/')) return {};
  UniqueFd fd(
      ::open(fmt::format("/proc/{}/map_files/{:x}-{:x}", pid, mapping.start, mapping.end).c_str(),
             O_RDONLY | O_CLOEXEC));
  if (!fd)
    fd.reset(
        ::open(fmt::format("/proc/{}/root{}", pid, mapping.path).c_str(), O_RDONLY | O_CLOEXEC));
  // The process may have ended.
  if (!fd) fd.reset(::open(mapping.path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd;
}

std::vector<char> read_memory(pid_t pid, const ExecutableMapping& mapping) {
  std::vector<char> bytes(mapping.end - mapping.start);
  const iovec local{bytes.data(), bytes.size()};
  const iovec remote{reinterpret_cast<void*>(mapping.start), bytes.size()};
  const ssize_t got = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

/// The section named `.eh_frame`, which the linker keeps where a program is stripped.
void add_table(Elf* elf, ObjectCode& code) {
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
    const char* const name = elf_strptr(elf, names, header.sh_name);
    if (name == nullptr || std::string_view(name) != ".eh_frame") continue;
    const Elf_Data* const data = elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr) return;
    code.table = UnwindTable::compile({static_cast<const std::byte*>(data->d_buf), data->d_size},
                                      header.sh_addr);
    return;
  }
}

std::shared_ptr<const ObjectCode> read_object(Elf* elf) {
  auto code = std::make_shared<ObjectCode>();
  std::size_t count = 0;
  if (elf == nullptr || elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &count) != 0) return code;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) break;
    if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
    code->segments.push_back({header.p_offset, header.p_filesz, header.p_vaddr});
  }
  add_table(elf, *code);
  return code;
}

std::string build_id(Elf* elf) {
  const void* bytes = nullptr;
  const ssize_t size = elf == nullptr ? 0 : dwelf_elf_gnu_build_id(elf, &bytes);
  if (size <= 0) return "";
  return std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

/// Objects by build-id.
class Cache {
 public:
  std::shared_ptr<const ObjectCode> get(Elf* elf) {
    const std::string id = build_id(elf);
    if (id.empty()) return read_object(elf);
    const std::scoped_lock lock(mutex_);
    auto& object = objects_[id];
    if (object == nullptr) object = read_object(elf);
    return object;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const ObjectCode>> objects_;
};

}  // namespace

std::uint64_t ObjectCode::bias(const ExecutableMapping& mapping) const {
  const std::uint64_t size = mapping.end - mapping.start;
  for (const Segment& segment : segments) {
    // A mapping begins at a page boundary, which may lie before the segment.
    if (segment.file_offset < mapping.file_offset + size &&
        mapping.file_offset < segment.file_offset + segment.size) {
      return mapping.start - mapping.file_offset - (segment.address - segment.file_offset);
    }
  }
  return mapping.start - mapping.file_offset;
}

std::shared_ptr<const ObjectCode> load_object_code(pid_t pid, const ExecutableMapping& mapping) {
  static Cache cache;
  static const bool initialized = elf_version(EV_CURRENT) != EV_NONE;
  if (!initialized) return std::make_shared<ObjectCode>();
  if (mapping.path == "[vdso]") {
    std::vector<char> image = read_memory(pid, mapping);
    const ElfHandle elf(elf_memory(image.data(), image.size()), elf_end);
    return cache.get(elf.get());
  }
  const UniqueFd fd = open_mapped_file(pid, mapping);
  if (!fd) return std::make_shared<ObjectCode>();
  const ElfHandle elf(elf_begin(fd.get(), ELF_C_READ_MMAP, nullptr), elf_end);
  return cache.get(elf.get());
}

}  // namespace vfsprof::harness
