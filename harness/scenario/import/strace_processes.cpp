#include "harness/scenario/import/strace_processes.h"

#include <filesystem>

namespace vfsprof::harness {

LoggedProcesses::Description LoggedProcesses::find(std::uint64_t thread, std::int64_t number) {
  const Table& table = *threads_[thread].files;
  const auto found = table.find(number);
  return found == table.end() ? nullptr : found->second.description;
}

void LoggedProcesses::opened(std::uint64_t thread, std::int64_t number, Description description,
                             bool cloexec) {
  closed(thread, number);
  (*threads_[thread].files)[number] = {std::move(description), cloexec};
}

void LoggedProcesses::duplicated(std::uint64_t thread, std::int64_t from, std::int64_t to,
                                 bool cloexec) {
  if (from == to) return;
  Description description = find(thread, from);
  closed(thread, to);
  if (description) opened(thread, to, std::move(description), cloexec);
}

/// The last descriptor of an open file closes it.
void LoggedProcesses::drop(Description description) {
  if (!description || description.use_count() > 1 || !description->fd) return;
  list_.add({.op = "close", .fd = description->fd, .result = 0});
  list_.free_fd(*description->fd);
}

void LoggedProcesses::closed(std::uint64_t thread, std::int64_t number) {
  Table& table = *threads_[thread].files;
  const auto found = table.find(number);
  if (found == table.end()) return;
  Description description = std::move(found->second.description);
  table.erase(found);
  drop(std::move(description));
}

void LoggedProcesses::set_close_on_exec(std::uint64_t thread, std::int64_t number, bool on) {
  const auto found = threads_[thread].files->find(number);
  if (found != threads_[thread].files->end()) found->second.cloexec = on;
}

void LoggedProcesses::forked(std::uint64_t thread, std::uint64_t child, bool shares_files) {
  Thread copy = threads_[thread];
  if (!shares_files) copy.files = std::make_shared<Table>(*copy.files);
  threads_[child] = std::move(copy);
}

void LoggedProcesses::executed(std::uint64_t thread) {
  Thread& own = threads_[thread];
  // The new program has a table of its own.
  if (own.files.use_count() > 1) own.files = std::make_shared<Table>(*own.files);
  for (auto at = own.files->begin(); at != own.files->end();) {
    if (!at->second.cloexec) {
      ++at;
      continue;
    }
    Description description = std::move(at->second.description);
    at = own.files->erase(at);
    drop(std::move(description));
  }
}

void LoggedProcesses::ended(std::uint64_t thread) {
  const auto found = threads_.find(thread);
  if (found == threads_.end()) return;
  if (found->second.files.use_count() == 1) {
    Table& table = *found->second.files;
    while (!table.empty()) closed(thread, table.begin()->first);
  }
  threads_.erase(thread);
}

void LoggedProcesses::moved(std::uint64_t thread, const std::string& directory) {
  threads_[thread].directory = directory;
}

void LoggedProcesses::moved_by(std::uint64_t thread, const std::string& path) {
  std::string& own = threads_[thread].directory;
  if (!own.empty()) own = std::filesystem::path(own + "/" + path).lexically_normal().string();
}

std::string LoggedProcesses::below_root(const std::string& absolute) const {
  const std::string path = std::filesystem::path(absolute).lexically_normal().string();
  if (path == root_ || path == root_ + "/") return ".";
  if (!path.starts_with(root_ + "/")) return {};
  std::string relative = path.substr(root_.size() + 1);
  while (relative.ends_with('/')) relative.pop_back();
  return relative;
}

std::string LoggedProcesses::resolve(std::uint64_t thread, const std::string& path,
                                     const LoggedDescriptor* directory) {
  std::string& own = threads_[thread].directory;
  if (directory != nullptr && directory->number == -100 && !directory->path.empty()) {
    own = directory->path;
  }
  if (path.starts_with('/')) return below_root(path);
  const std::string& base =
      directory != nullptr && !directory->path.empty() ? directory->path : own;
  if (base.empty()) return {};
  return below_root(path.empty() ? base : base + "/" + path);
}

}  // namespace vfsprof::harness
