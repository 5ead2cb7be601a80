// A client of radiald's API on its UNIX socket. Blocking.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace radial::cli {

struct ApiResponse {
  int status = 0;
  std::string body;
};

// unavailable: no radiald answers there. A status of 400 or more is a result,
// not an error.
[[nodiscard]] Result<ApiResponse> call_api(const std::filesystem::path& socket, const std::string& method,
                                           const std::string& path, const std::string& body = {},
                                           std::chrono::seconds deadline = std::chrono::seconds(60));

// The body; of a status of 400 or more, the error that it holds.
[[nodiscard]] Result<std::string> body_of(ApiResponse response);
// Both in one.
[[nodiscard]] Result<std::string> api_body(const std::filesystem::path& socket, const std::string& method,
                                           const std::string& path, const std::string& body = {});

}  // namespace radial::cli
