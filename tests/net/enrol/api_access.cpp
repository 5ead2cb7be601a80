#include "enrol/api_access.h"

#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "control/messages.h"
#include "control/token.h"
#include "support/paths.h"

namespace radial::test {
namespace {

using agent::Caller;
using agent::Where;
using Json = nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

std::string example_of(const agent::Route& route) {
  const auto& operation = *agent::operation_of(route);
  return operation.contains("requestBody") ? operation["requestBody"]["content"]["application/json"]["example"].dump() : std::string();
}

std::string file(LiveLab& lab, const std::string& node, const std::string& path) {
  const auto inside = lab->path_in(node, path);
  const auto text = inside ? read_file(*inside) : Result<std::string>(fail(Errc::not_found, "no {}", path));
  if (text) return *text;
  ADD_FAILURE() << text.error().message;
  return {};
}

// The secrets that a node keeps.
std::set<std::string> secrets_of(LiveLab& lab, const std::string& node) {
  std::set<std::string> all{file(lab, node, "/etc/radial/private.key").substr(0, 44)};
  const auto ring = Json::parse(file(lab, node, "/etc/radial/secrets.json"), nullptr, false);
  for (const auto& one : ring.flatten())
    if (one.is_string() && one.get<std::string>().size() == 44) all.insert(one);
  return all;
}

struct Answer {
  int status = 0;  // 0: nobody answered
  std::string body;
};

// A request in the tunnel, from a place and with the secret of a node (empty: unsigned).
Answer ask_in_tunnel(LiveLab& lab, const std::string& place, const std::string& controller, const std::string& method,
                     const std::string& path, const std::string& body, const std::string& secret) {
  auto request = fmt::format("{} {} HTTP/1.1\r\nHost: controller\r\nConnection: close\r\nContent-Length: {}\r\n", method, path, body.size());
  if (!secret.empty())
    request += "Radial-Mac: " + control::mac_of(Secret::parse(secret).value(), control::signed_message(method, path, body)) + "\r\n";
  std::string bytes;  // for printf(1): nothing that a shell would read
  for (const auto byte : request + "\r\n" + body) bytes += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  const auto got = lab.sh(place, fmt::format("timeout 5 bash -c 'exec 3<>/dev/tcp/{}/51821 && printf \"{}\" >&3 && cat <&3' 2>/dev/null || true",
                                             controller, bytes));
  const auto end = got.find("\r\n\r\n");
  if (!got.starts_with("HTTP/1.1 ") || end == std::string::npos) return {};
  return {std::stoi(got.substr(9, 3)), got.substr(end + 4)};
}

}  // namespace

void every_route_answers(LiveLab& lab, const std::string& node, bool controller) {
  const auto served = lab.ask(node, "GET", "/v1/openapi.json");
  ASSERT_TRUE(served);
  EXPECT_EQ(served->body, agent::openapi_text());
  for (const auto& route : agent::api_routes()) {
    if (route.where == Where::tunnel) continue;
    const std::string method(route.method);
    const std::string path(route.path);
    SCOPED_TRACE(node + ": " + method + " " + path);
    const bool here = controller || route.where == Where::node;
    const auto answer = lab.ask(node, method, path, method == "GET" ? "" : R"({"colour": "red"})");
    ASSERT_TRUE(answer);
    if (!here) {
      EXPECT_EQ(answer->status, 404);
      EXPECT_THAT(answer->body, HasSubstr("not the controller"));
      continue;
    }
    EXPECT_EQ(answer->status, method == "GET" ? 200 : 400) << answer->body;
    if (method == "POST") {
      EXPECT_THAT(answer->body, AnyOf(HasSubstr("'colour' is not known here"), HasSubstr("is missing")));
    }
    const auto other = lab.ask(node, "PUT", path);
    ASSERT_TRUE(other);
    EXPECT_EQ(other->status, 405);
  }
  const auto nothing = lab.ask(node, "GET", "/v1/nothing");
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->status, 404);
  // Asked well, where it changes nothing.
  EXPECT_TRUE(lab.post(node, "/v1/apply", R"({"dry_run": true})"));
  EXPECT_TRUE(lab.post(node, "/v1/plan"));
  EXPECT_TRUE(lab.post(node, "/v1/up"));
  EXPECT_FALSE(lab.post(node, "/v1/readmit", R"({"site": "nobody"})"));
  if (!controller) return;
  EXPECT_TRUE(wait_until(20s, [&] {
    const auto change = lab.ask(node, "GET", "/v1/change");
    return change && Json::parse(change->body)["phase"] == "planned";
  }));
  EXPECT_FALSE(lab.post(node, "/v1/confirm"));
  EXPECT_FALSE(lab.post(node, "/v1/revoke", R"({"site": "nobody"})"));
  EXPECT_FALSE(lab.post(node, "/v1/rotate", R"({"site": "nobody"})"));
  EXPECT_FALSE(lab.post(node, "/v1/rollback", R"({"revision": 4000})"));
  EXPECT_TRUE(lab.post(node, "/v1/invitations", R"({"site": "visitor", "lans": ["192.168.77.0/24"], "seconds": 600})"));
  EXPECT_TRUE(lab.post(node, "/v1/invitations/withdraw", R"({"site": "visitor"})"));
}

void group_radial_reads(LiveLab& lab, const std::string& node) {
  // A group as the package makes it, for this node alone (the machine may have one), and the
  // folder as systemd does; the program where anybody may run it.
  lab.sh(node, "chmod 755 /run/radial && sed '/^radial:/d' /etc/group > /run/group && echo 'radial:x:64242:' >> /run/group && mount --bind /run/group /etc/group && "
               "touch /run/anybodys-radial && mount --bind " + binary_dir() + "/bin/radial /run/anybodys-radial && pkill -9 -x radiald");
  ASSERT_TRUE(lab.start_radiald(node));
  ASSERT_TRUE(wait_until(30s, [&] {
    const auto status = lab.ask(node, "GET", "/v1/status");
    return status && status->status == 200;
  }));
  EXPECT_EQ(lab.sh(node, "stat -c '%a %U %G' /run/radial/radiald.sock"), "660 root radial\n");
  const auto before = lab.ask(node, "GET", "/v1/revisions");
  ASSERT_TRUE(before);
  const auto as = [&](const std::string& groups, const std::string& arguments) {
    return lab.sh(node, "setpriv --reuid 65534 --regid 65534 " + groups + " /run/anybodys-radial " + arguments + " 2>&1; echo \"exit $?\"");
  };
  for (const auto& route : agent::api_routes()) {
    if (route.where == Where::tunnel) continue;
    SCOPED_TRACE(route.path);
    const auto words = route.method == "GET" ? "api " + std::string(route.path)
                                             : fmt::format("api --method POST --data '{}' {}", example_of(route), route.path);
    const auto reader = as("--groups 64242", words);
    if (route.caller == Caller::root) {
      EXPECT_THAT(reader, AllOf(HasSubstr("only root may change this node"), HasSubstr("exit 1")));
    } else {
      EXPECT_THAT(reader, AllOf(testing::StartsWith("{"), HasSubstr("exit 0")));
    }
    EXPECT_THAT(as("--clear-groups", words), AllOf(HasSubstr("permission denied; root and members of the group radial"), Not(HasSubstr("{")), HasSubstr("exit 1")));
  }
  for (const auto* words : {"status", "members", "revisions"}) EXPECT_THAT(as("--groups 64242", words), HasSubstr("exit 0")) << words;
  EXPECT_THAT(as("--groups 64242", "invite mallory --lan 192.168.99.0/24"), AllOf(HasSubstr("only root"), HasSubstr("exit 1")));
  const auto after = lab.ask(node, "GET", "/v1/revisions");
  ASSERT_TRUE(after);
  EXPECT_EQ(after->body, before->body);
  lab.sh(node, "umount /etc/group /run/anybodys-radial; rm -f /run/group /run/anybodys-radial");
}

void a_node_sees_its_own(LiveLab& lab, const std::string& hub, const std::string& controller, const std::string& node,
                         const std::string& other) {
  const auto secret_of = [&](const std::string& whose) {
    return Json::parse(file(lab, whose, "/etc/radial/secrets.json"))["node_secret"].get<std::string>();
  };
  const auto secret = secret_of(node);
  const auto ask = [&](const std::string& method, const std::string& path, const std::string& body = {}) {
    return ask_in_tunnel(lab, node, controller, method, path, body, secret);
  };
  // Its own, as described; nothing of another's that is secret.
  const auto own = ask("GET", "/v1/node");
  ASSERT_EQ(own.status, 200) << own.body;
  EXPECT_EQ(api_fault("GET", "/v1/node", own.status, own.body), "");
  const auto config = Json::parse(Json::parse(own.body)["config"].get<std::string>());
  EXPECT_EQ(config["node"], node);
  EXPECT_EQ(api_fault("GET", "/v1/config", 200, config.dump()), "");
  const auto mine = secrets_of(lab, node);
  for (const auto& whose : {other, hub})
    for (const auto& one : secrets_of(lab, whose))
      EXPECT_TRUE(mine.contains(one) || own.body.find(one) == std::string::npos) << "a secret of " << whose;
  const auto told = ask("POST", "/v1/node/report", example_of({"POST", "/v1/node/report"}));
  EXPECT_EQ(api_fault("POST", "/v1/node/report", told.status, told.body), "");
  EXPECT_EQ(told.status, 200) << told.body;
  const auto no_hub = ask("POST", "/v1/node/served", example_of({"POST", "/v1/node/served"}));
  EXPECT_EQ(no_hub.status, 403);
  EXPECT_THAT(no_hub.body, HasSubstr("is no hub"));
  const auto broken = ask("POST", "/v1/node", R"({"version": 1, "public_key": 7})");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, HasSubstr("'public_key'"));

  // What the UNIX socket serves is not here, for nobody.
  const auto revisions = lab.ask(hub, "GET", "/v1/revisions");
  for (const auto& route : agent::api_routes()) {
    if (route.where == Where::tunnel) continue;
    const auto answer = ask(std::string(route.method), std::string(route.path), example_of(route));
    EXPECT_EQ(answer.status, 404) << route.path;
    EXPECT_EQ(Json::parse(answer.body, nullptr, false), (Json{{"error", "no such resource"}}));
  }
  EXPECT_EQ(lab.ask(hub, "GET", "/v1/revisions")->body, revisions->body);
  // Nor another's, with the wrong secret, or with the right one from another place.
  for (const auto* path : {"/v1/node", "/v1/openapi.json", "/v1/members"}) {
    EXPECT_EQ(ask_in_tunnel(lab, node, controller, "GET", path, "", "").status, 403) << path;
    EXPECT_EQ(ask_in_tunnel(lab, node, controller, "GET", path, "", secret_of(other)).status, 403) << path;
    EXPECT_EQ(ask_in_tunnel(lab, other, controller, "GET", path, "", secret).status, 403) << path;
    EXPECT_EQ(ask_in_tunnel(lab, node + ".lan0", controller, "GET", path, "", secret).status, 403) << path;
  }
  // The hub's own LAN does not even get an answer; an ordinary node serves nobody.
  EXPECT_EQ(ask_in_tunnel(lab, hub + ".lan0", controller, "GET", "/v1/node", "", secret).status, 0);
  const auto address = config["wires"][0]["addresses"][0].get<std::string>();
  EXPECT_EQ(ask_in_tunnel(lab, hub, address.substr(0, address.find('/')), "GET", "/v1/node", "", secret).status, 0);
}

}  // namespace radial::test
