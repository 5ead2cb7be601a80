#include "lab/init_spec.h"

#include <nlohmann/json.hpp>

namespace radial::lab {

using nlohmann::json;

std::string to_json(const InitSpec& spec) {
  json out{{"hostname", spec.hostname},
           {"netns", spec.netns},
           {"lan_netns", spec.lan_netns},
           {"sysctls", spec.sysctls},
           {"frr_root", spec.frr_root},
           {"folders", json::array()},
           {"files", json::array()}};
  for (const auto& folder : spec.folders)
    out["folders"].push_back({{"path", folder.path}, {"mode", folder.mode}, {"frr", folder.frr},
                              {"frr_root_only", folder.frr_root_only}});
  for (const auto& file : spec.files)
    out["files"].push_back({{"path", file.path}, {"content", file.content}, {"mode", file.mode}, {"frr", file.frr}});
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<InitSpec> init_spec_from_json(std::string_view text) {
  // The other end is this same program: a mistake here is our own.
  try {
    const auto in = json::parse(text);
    InitSpec spec;
    in.at("hostname").get_to(spec.hostname);
    in.at("netns").get_to(spec.netns);
    in.at("lan_netns").get_to(spec.lan_netns);
    in.at("sysctls").get_to(spec.sysctls);
    in.at("frr_root").get_to(spec.frr_root);
    for (const auto& folder : in.at("folders"))
      spec.folders.push_back({folder.at("path"), folder.at("mode"), folder.at("frr"), folder.at("frr_root_only")});
    for (const auto& file : in.at("files"))
      spec.files.push_back({file.at("path"), file.at("content"), file.at("mode"), file.at("frr")});
    return spec;
  } catch (const json::exception& error) {
    return fail(Errc::internal, "lab-init got a spec that it cannot read: {}", error.what());
  }
}

}  // namespace radial::lab
