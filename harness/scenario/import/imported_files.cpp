#include "harness/scenario/import/imported_files.h"

#include <algorithm>
#include <utility>

#include "vfs/record/operation_line.h"

namespace vfsprof::harness {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

ImportedFiles::ImportedFiles(ImportedList& list) : list_(list) {
  files_["."] = std::make_shared<ImportedFile>(ImportedFile{
      .type = ImportedFile::Type::kDirectory, .path = ".", .existed = true, .original = "."});
}

ImportedFiles::File ImportedFiles::find(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : found->second;
}

std::string ImportedFiles::original_of(const std::string& path) const {
  const std::string parent = parent_of(path);
  const File directory = find(parent);
  if (!directory || !directory->existed) return "";
  const std::string name = parent == "." ? path : path.substr(parent.size() + 1);
  return directory->original == "." ? name : directory->original + "/" + name;
}

ImportedFiles::File ImportedFiles::found(const std::string& path, ImportedFile::Type type) {
  if (File known = find(path)) {
    // So far it was only asked whether it is there.
    if (known->existed && type != ImportedFile::Type::kFile) known->type = type;
    return known;
  }
  if (!found(parent_of(path), ImportedFile::Type::kDirectory)) return nullptr;
  const std::string original = original_of(path);
  if (original.empty() || used_.contains(original)) return nullptr;
  auto file = std::make_shared<ImportedFile>(
      ImportedFile{.type = type, .path = path, .existed = true, .original = original});
  existed_.push_back(file);
  files_[path] = file;
  return file;
}

ImportedFiles::File ImportedFiles::made(const std::string& path, ImportedFile::Type type) {
  if (find(path) || !found(parent_of(path), ImportedFile::Type::kDirectory)) return nullptr;
  used_.insert(original_of(path));
  auto file = std::make_shared<ImportedFile>(ImportedFile{.type = type, .path = path});
  files_[path] = file;
  return file;
}

void ImportedFiles::linked(const File& file, const std::string& path) {
  used_.insert(original_of(path));
  files_[path] = file;
}

void ImportedFiles::removed(const std::string& path) {
  const auto found = files_.find(path);
  if (found == files_.end()) return;
  const File file = found->second;
  used_.insert(original_of(path));
  files_.erase(found);
  if (file->path != path) return;
  const auto other = std::ranges::find(files_, file, &std::pair<const std::string, File>::second);
  file->path = file.use_count() > 2 && other != files_.end() ? other->first : "";
}

void ImportedFiles::renamed(const std::string& from, const std::string& to) {
  const File file = find(from);
  if (!file || from == to) return;
  removed(to);
  used_.insert({original_of(from), original_of(to)});
  std::map<std::string, File> moved;
  const std::string below = from + "/";
  for (auto at = files_.lower_bound(below); at != files_.end() && at->first.starts_with(below);) {
    const std::string path = to + at->first.substr(from.size());
    at->second->path = path;
    moved[path] = at->second;
    at = files_.erase(at);
  }
  files_.erase(from);
  file->path = to;
  files_[to] = file;
  files_.merge(moved);
}

std::uint64_t ImportedFiles::entries_of(const std::string& path) const {
  std::uint64_t entries = 2;
  const std::string below = path == "." ? "" : path + "/";
  for (auto at = files_.lower_bound(below); at != files_.end() && at->first.starts_with(below);
       ++at) {
    if (at->first != "." && at->first.find('/', below.size()) == std::string::npos) ++entries;
  }
  return entries;
}

/// What was taken for a creation has opened a file that there was.
void ImportedFiles::existed_after_all(ImportedFile& file) {
  if (!file.doubtful_creation) return;
  ImportedOperation& operation = list_.at(*file.doubtful_creation);
  operation.op = "open";
  operation.mode.reset();
  file.doubtful_creation.reset();
  const File own = find(file.path);
  if (!own || own.get() != &file) return;
  file.existed = true;
  file.original = file.path;
  existed_.push_back(own);
}

void ImportedFiles::saw_size(ImportedFile& file, std::uint64_t size) {
  if (size > file.size) existed_after_all(file);
  if (file.existed && (!file.changed || size > file.size)) {
    file.initial = file.changed ? std::max(file.initial, size) : size;
  }
  file.size = size;
}

void ImportedFiles::saw_data(ImportedFile& file, std::uint64_t end) {
  if (end > file.size) saw_size(file, end);
}

void ImportedFiles::wrote(ImportedFile& file, std::uint64_t end) {
  file.changed = true;
  file.size = std::max(file.size, end);
}

void ImportedFiles::resized(ImportedFile& file, std::uint64_t size) {
  file.changed = true;
  file.size = size;
}

void ImportedFiles::finish() {
  std::set<std::string> done;
  for (const File& file : existed_) {
    if (!done.insert(file->original).second) continue;
    switch (file->type) {
      case ImportedFile::Type::kFile:
        list_.exists(vfs::existing_file(file->original, file->initial));
        break;
      case ImportedFile::Type::kDirectory:
        list_.exists(vfs::existing_directory(file->original));
        break;
      case ImportedFile::Type::kSymlink:
        list_.exists(vfs::existing_symlink(
            file->original, std::string(std::max<std::uint64_t>(file->initial, 1), '_')));
    }
  }
}

}  // namespace vfsprof::harness
