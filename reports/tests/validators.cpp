#include "reports/tests/validators.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace vfsprof::reports {
namespace {

/// A document in a file of its own, as long as it lives.
class DocumentFile {
 public:
  explicit DocumentFile(const std::string& document)
      : path_(std::filesystem::path(testing::TempDir()) /
              (std::string("vfsprof-document-") +
               testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
               std::to_string(::getpid()))) {
    std::ofstream(path_) << document;
  }
  ~DocumentFile() { std::filesystem::remove(path_); }
  DocumentFile(const DocumentFile&) = delete;
  DocumentFile& operator=(const DocumentFile&) = delete;

  std::string quoted() const { return "'" + path_.string() + "'"; }

 private:
  std::filesystem::path path_;
};

std::string quoted_schema(const std::string& name) {
  return "'" + std::string(VFSPROF_REPORTS_FOLDER) + "/schema/" + name + "'";
}

}  // namespace

Validity validate(const std::string& schema, const std::string& document) {
  const DocumentFile file(document);
  const std::string command =
      "python3 -c 'import json, sys\n"
      "try:\n"
      "  import jsonschema\n"
      "except ImportError:\n"
      "  sys.exit(3)\n"
      "schema = json.load(open(sys.argv[1]))\n"
      "jsonschema.Draft7Validator.check_schema(schema)\n"
      "errors = "
      "list(jsonschema.Draft7Validator(schema).iter_errors(json.load(open(sys.argv[2]))))\n"
      "[print(list(e.absolute_path), e.message[:200]) for e in errors[:5]]\n"
      "sys.exit(1 if errors else 0)' " +
      quoted_schema(schema) + " " + file.quoted();
  const int status = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
  if (status == 0) return Validity::kValid;
  return WEXITSTATUS(status) == 1 ? Validity::kInvalid : Validity::kNoValidator;
}

Validity validate_xml(const std::string& xsd, const std::string& document) {
  constexpr int kNotFound = 127;                    // of the shell
  constexpr int kDamaged = 1, kDoesNotConform = 3;  // of xmllint
  const DocumentFile file(document);
  const std::string command =
      "xmllint --nonet --noout --schema " + quoted_schema(xsd) + " " + file.quoted();
  const int status = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
  const int code = WEXITSTATUS(status);
  if (code == kNotFound) return Validity::kNoValidator;
  EXPECT_TRUE(code == 0 || code == kDamaged || code == kDoesNotConform) << "xmllint: " << code;
  return code == 0 ? Validity::kValid : Validity::kInvalid;
}

}  // namespace vfsprof::reports
