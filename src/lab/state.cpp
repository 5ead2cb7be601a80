#include "lab/state.h"

#include <algorithm>
#include <thread>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"

namespace radial::lab {
namespace {

using nlohmann::json;

constexpr int format_version = 1;

json to_value(const LanHost& host) {
  return {{"name", host.name},
          {"netns", host.netns},
          {"interface", host.interface},
          {"prefix", host.prefix.to_string()},
          {"node_address", host.node_address.to_string()},
          {"address", host.address ? json(host.address->to_string()) : json()}};
}

json to_value(const LabNode& node) {
  json value{{"name", node.name}, {"netns", node.netns}, {"hub", node.hub},
             {"index", node.index}, {"link", node.link}, {"frr", node.frr},
             {"frr_root", node.frr_root}, {"pid", node.pid}, {"start_time", node.start_time},
             {"extra_addresses", json::array()}, {"lans", json::array()}, {"forwarded_ports", node.forwarded_ports}};
  for (const auto& address : node.extra_addresses) value["extra_addresses"].push_back(address.to_string());
  for (const auto& host : node.lans) value["lans"].push_back(to_value(host));
  return value;
}

json to_value(const LinkFaults& faults) {
  return {{"cut", faults.cut},
          {"carrier", faults.carrier},
          {"rate", faults.rate ? json(*faults.rate) : json()},
          {"loss", faults.loss},
          {"mtu", faults.mtu ? json(*faults.mtu) : json()},
          {"mtu_icmp", faults.mtu_icmp}};
}

// Reading: json::exception for a missing member or a wrong type, this for a wrong
// value. Both end in one place, state_from_json.
struct BadValue {
  std::string message;
};

template <class T>
T parsed(Result<T> value) {
  if (!value) throw BadValue{value.error().message};
  return *value;
}

LanHost lan_host_of(const json& value) {
  LanHost host{value.at("name"), value.at("netns"), value.at("interface"),
               parsed(Prefix::parse(value.at("prefix").get<std::string>())),
               parsed(IpAddress::parse(value.at("node_address").get<std::string>())), std::nullopt};
  if (const auto& address = value.at("address"); !address.is_null())
    host.address = parsed(IpAddress::parse(address.get<std::string>()));
  return host;
}

LabNode node_of(const json& value) {
  LabNode node;
  value.at("name").get_to(node.name);
  value.at("netns").get_to(node.netns);
  value.at("hub").get_to(node.hub);
  value.at("index").get_to(node.index);
  value.at("link").get_to(node.link);
  value.at("frr").get_to(node.frr);
  value.at("frr_root").get_to(node.frr_root);
  value.at("pid").get_to(node.pid);
  value.at("start_time").get_to(node.start_time);
  value.at("forwarded_ports").get_to(node.forwarded_ports);
  for (const auto& address : value.at("extra_addresses"))
    node.extra_addresses.push_back(parsed(IpAddress::parse(address.get<std::string>())));
  for (const auto& host : value.at("lans")) node.lans.push_back(lan_host_of(host));
  return node;
}

LinkFaults faults_of(const json& value) {
  LinkFaults faults;
  value.at("cut").get_to(faults.cut);
  value.at("carrier").get_to(faults.carrier);
  value.at("loss").get_to(faults.loss);
  value.at("mtu_icmp").get_to(faults.mtu_icmp);
  if (const auto& rate = value.at("rate"); !rate.is_null()) faults.rate = rate.get<std::uint64_t>();
  if (const auto& mtu = value.at("mtu"); !mtu.is_null()) faults.mtu = mtu.get<int>();
  return faults;
}

std::filesystem::path lock_path(const std::string& lab) { return state_base() / (lab + ".lock"); }

}  // namespace

std::string to_json(const LabState& state) {
  json value{{"version", format_version},
             {"lab", state.plan.lab},
             {"fabric_path", state.fabric_path},
             {"complete", state.complete},
             {"with_radiald", state.with_radiald},
             {"daemons", state.daemons},
             {"since", state.since},
             {"internet", to_value(state.plan.internet)},
             {"nodes", json::array()},
             {"endpoint_names", json::object()},
             {"faults", json::object()}};
  for (const auto& node : state.plan.nodes) value["nodes"].push_back(to_value(node));
  for (const auto& [name, addresses] : state.plan.endpoint_names)
    for (const auto& address : addresses) value["endpoint_names"][name].push_back(address.to_string());
  for (const auto& [node, faults] : state.faults) value["faults"][node] = to_value(faults);
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<LabState> state_from_json(std::string_view text) {
  try {
    const auto value = json::parse(text);
    if (value.at("version") != format_version)
      return fail(Errc::unsupported, "it was written by another version of radial; take the lab down and up again");
    LabState state;
    value.at("lab").get_to(state.plan.lab);
    value.at("fabric_path").get_to(state.fabric_path);
    value.at("complete").get_to(state.complete);
    value.at("with_radiald").get_to(state.with_radiald);
    value.at("daemons").get_to(state.daemons);
    value.at("since").get_to(state.since);
    state.plan.internet = node_of(value.at("internet"));
    for (const auto& node : value.at("nodes")) state.plan.nodes.push_back(node_of(node));
    for (const auto& [name, addresses] : value.at("endpoint_names").items())
      for (const auto& address : addresses)
        state.plan.endpoint_names[name].push_back(parsed(IpAddress::parse(address.get<std::string>())));
    for (const auto& [node, faults] : value.at("faults").items()) state.faults[node] = faults_of(faults);
    return state;
  } catch (const json::exception& error) {
    return fail(Errc::protocol, "it is damaged: {}", error.what());
  } catch (const BadValue& bad) {
    return fail(Errc::protocol, "it is damaged: {}", bad.message);
  }
}

std::filesystem::path state_base() { return "/run/radial-lab"; }
std::filesystem::path state_folder(const std::string& lab) { return state_base() / lab; }

Result<LabState> load_state(const std::string& lab) {
  const auto path = state_folder(lab) / "state.json";
  auto text = read_file(path);
  if (!text) {
    if (text.error().sys_errno != ENOENT) return forward_error(std::move(text.error()));
    const auto labs = labs_on_disk();
    std::string there;
    for (const auto& name : labs) there += (there.empty() ? "" : ", ") + name;
    return fail(Errc::not_found, "there is no lab '{}'{}", lab,
                labs.empty() ? "; no lab is up" : fmt::format("; there is: {}", there));
  }
  auto state = state_from_json(*text);
  if (!state) return forward_error(std::move(state.error()).within(path.string()));
  return state;
}

Status save_state(const LabState& state) {
  return write_file_atomically(state_folder(state.plan.lab) / "state.json", to_json(state), 0600);
}

std::vector<std::string> labs_on_disk() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(state_base(), ignored))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

Result<Fd> lock_lab(const std::string& lab, std::chrono::milliseconds patience) {
  RADIAL_TRY(make_directories(state_base(), 0700));
  const auto path = lock_path(lab);
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return fail_errno(errno, fmt::format("cannot open {}", path.string()));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
      // down() removes the file with the lab: what we hold must still be there.
      struct stat held {};
      struct stat named {};
      if (::fstat(lock.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino) return lock;
      continue;
    }
    if (std::chrono::steady_clock::now() >= end)
      return fail(Errc::conflict, "lab '{}' is being changed by another program; try again when that has ended", lab);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void remove_lock_file(const std::string& lab) { ::unlink(lock_path(lab).c_str()); }

bool is_locked(const std::string& lab) {
  const Fd lock(::open(lock_path(lab).c_str(), O_RDONLY | O_CLOEXEC));
  return lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0;
}

}  // namespace radial::lab
