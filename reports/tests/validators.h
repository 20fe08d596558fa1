#pragma once

#include <string>

namespace vfsprof::reports {

enum class Validity { kValid, kInvalid, kNoValidator };

/// Asks python3-jsonschema whether a document conforms to a schema in reports/schema. What it found
/// is printed.
Validity validate(const std::string& schema, const std::string& document);

/// Asks xmllint the same of XML and an XSD in reports/schema.
Validity validate_xml(const std::string& xsd, const std::string& document);

}  // namespace vfsprof::reports

/// Skips the test where the validator is not installed.
#define EXPECT_VALIDITY(validity, schema, document)                                            \
  do {                                                                                         \
    const ::vfsprof::reports::Validity found = ::vfsprof::reports::validate(schema, document); \
    if (found == ::vfsprof::reports::Validity::kNoValidator)                                   \
      GTEST_SKIP() << "python3-jsonschema is not installed";                                   \
    EXPECT_EQ(found, validity);                                                                \
  } while (false)
